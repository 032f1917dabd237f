package appliance

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"busbar/controller"
	"busbar/controller/config"
	"busbar/devices/devicesim"
	"busbar/loadbalance"

	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

func TestPlacesOfAConfigurationBecomePaths(t *testing.T) {
	for place, want := range map[string]string{"a_current": "a_current", "ENERGY.Current.0": "ENERGY.Current[0]", "0.i": "[0].i", "a.1.b.2": "a[1].b[2]"} {
		if got := bracketed(place); got != want {
			t.Errorf("%s became %s, want %s", place, got, want)
		}
	}
}

// everybody lets all clients in.
type everybody struct{ broker.HookBase }

func (*everybody) Provides(b byte) bool {
	return b == broker.OnConnectAuthenticate || b == broker.OnACLCheck
}
func (*everybody) OnConnectAuthenticate(*broker.Client, packets.Packet) bool { return true }
func (*everybody) OnACLCheck(*broker.Client, string, bool) bool              { return true }

func TestAnMQTTMeterOfTheConfigurationReachesTheLoop(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := broker.New(&broker.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := server.AddHook(new(everybody), nil); err != nil {
		t.Fatal(err)
	}
	if err := server.AddListener(listeners.NewNet("tcp", l)); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	url, err := config.ParseMeterURL("mqtt://" + l.Addr().String() + "/meter/em?l1=em.i.0&l2=em.i.1&l3=em.i.2&p1=em.p.0&p2=em.p.1&p3=em.p.2&scale=0.001")
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan controller.Event, 64)
	p, err := newPoller(config.Meter{ID: "grid", URL: url, Period: time.Second}, "", 63*loadbalance.Amp, new(net.Dialer).DialContext, func(ev controller.Event) {
		select {
		case events <- ev:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	meter := &devicesim.MQTTMeter{Broker: l.Addr().String(), Topic: "meter/em", Period: 100 * time.Millisecond, Truth: func() devicesim.Truth { return devicesim.Truth{} },
		Payload: func(devicesim.Truth) []byte { return []byte(`{"em":{"i":[6000,16000,9000],"p":[1380,3680,-2070]}}`) }}
	wg.Go(func() { _ = meter.Run(ctx) })
	defer func() {
		stop()
		wg.Wait()
		// The broker hangs when it is closed while a client is leaving.
		for i := 0; i < 1000 && server.Clients.Len() > 0; i++ {
			<-time.After(5 * time.Millisecond)
		}
		_ = server.Close()
	}()
	limit := time.After(20 * time.Second)
	for {
		select {
		case ev := <-events:
			if s, ok := ev.(controller.MeterSampled); ok {
				if s.Meter != "grid" || s.Current != (loadbalance.PerPhase{6000, 16000, -9000}) {
					t.Fatalf("%+v: want the third phase to export", s)
				}
				return
			}
		case <-limit:
			t.Fatal("no reading arrived")
		}
	}
}
