package mqtt_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller/sitesim/memnet"
	"busbar/devices"
	"busbar/devices/devicesim"
	"busbar/devices/mqtt"

	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

const host = "broker:1883"

// bench is a broker, a meter that publishes on it and a subscriber.
type bench struct {
	net    *memnet.Network
	broker *broker.Server
	sim    *devicesim.MQTTMeter

	mu       sync.Mutex
	readings []devices.Reading
	faults   []*devices.Fault
}

func (b *bench) take() ([]devices.Reading, []*devices.Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	readings, faults := b.readings, b.faults
	b.readings, b.faults = nil, nil
	return readings, faults
}

func truth() devicesim.Truth {
	return devicesim.Truth{Current: [3]float64{6, -10, 0.5}, Voltage: [3]float64{230, 230, 230}, EnergyImport: 12.5}
}

// serveBroker starts a broker; the user "meter" with the password "secret" may read
// everything but "denied".
func serveBroker(t *testing.T, network *memnet.Network) *broker.Server {
	t.Helper()
	l, err := network.Listen(host)
	if err != nil {
		t.Fatal(err)
	}
	server := broker.New(&broker.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := server.AddHook(new(rules), nil); err != nil {
		t.Fatal(err)
	}
	if err := server.AddListener(listeners.NewNet("mem", l)); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	return server
}

// rules lets the simulated meter and the user "meter" in and denies the topic "denied".
type rules struct{ broker.HookBase }

func (*rules) ID() string { return "rules" }

func (*rules) Provides(b byte) bool {
	return b == broker.OnConnectAuthenticate || b == broker.OnACLCheck
}

func (*rules) OnConnectAuthenticate(c *broker.Client, pk packets.Packet) bool {
	return string(pk.Connect.Username) == "meter" && string(pk.Connect.Password) == "secret" ||
		strings.HasPrefix(c.ID, "busbar-simulated-meter")
}

func (*rules) OnACLCheck(_ *broker.Client, topic string, _ bool) bool { return topic != "denied" }

// start runs broker, simulator and subscriber until the test ends; the bubble proves
// that none leaves a goroutine.
func start(t *testing.T, change func(*mqtt.Config)) *bench {
	t.Helper()
	b := &bench{net: memnet.New()}
	b.broker = serveBroker(t, b.net)
	b.sim = &devicesim.MQTTMeter{Broker: host, Topic: "site/meter", Dial: b.net.DialContext, Truth: truth}
	config := mqtt.Config{Broker: "tcp://" + host, ClientID: "box", Username: "meter", Password: "secret", Dial: b.net.DialContext,
		Fields: mqtt.JSONFields("site/meter"), Nature: devices.Nature{Phases: 3, SignedCurrent: true},
		OnReading: func(x devices.Reading) { b.mu.Lock(); b.readings = append(b.readings, x); b.mu.Unlock() },
		OnFailure: func(f *devices.Fault) { b.mu.Lock(); b.faults = append(b.faults, f); b.mu.Unlock() },
	}
	if change != nil {
		change(&config)
	}
	subscriber, err := mqtt.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = subscriber.Run(ctx) })
	wg.Go(func() { _ = b.sim.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		// This broker can lock itself up when it is closed while a client leaves.
		synctest.Wait()
		_ = b.broker.Close()
	})
	return b
}

func TestTenMinutesOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		time.Sleep(10 * time.Minute)
		readings, faults := b.take()
		if len(readings) < 598 || len(readings) > 601 || len(faults) != 0 {
			t.Fatalf("%d readings and %d faults in 10 min", len(readings), len(faults))
		}
		r := readings[300]
		if r.Current != [3]devices.MilliAmp{6000, -10000, 500} || r.Power != 1380-2300+115 || r.Import != 12500 || r.Frequency != 50000 || r.Doubts != 0 {
			t.Fatalf("%+v", r)
		}
		for i := 1; i < len(readings); i++ {
			if gap := readings[i].At.Sub(readings[i-1].At); gap < 800*time.Millisecond || gap > 1200*time.Millisecond {
				t.Fatalf("reading %d comes %v after the one before", i, gap)
			}
		}
	})
}

func TestFaultsOfTheMeterStopReadings(t *testing.T) {
	cases := []struct {
		name  string
		fault devicesim.Fault
		want  devices.FaultKind
	}{
		{"silent", devicesim.Fault{Drop: true}, devices.Quiet},
		{"gone", devicesim.Fault{Loss: true}, devices.Quiet},
		{"null values", devicesim.Fault{NaN: true}, devices.Unusable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, nil)
				time.Sleep(5 * time.Second)
				b.sim.SetFault(c.fault)
				time.Sleep(2 * time.Second)
				b.take()
				time.Sleep(30 * time.Second)
				readings, faults := b.take()
				if len(readings) != 0 || len(faults) < 2 || faults[0].Kind != c.want {
					t.Fatalf("%d readings, faults %v", len(readings), faults)
				}
				b.sim.SetFault(devicesim.Fault{})
				time.Sleep(3 * time.Second)
				if readings, _ = b.take(); len(readings) == 0 {
					t.Fatal("no readings after the fault")
				}
			})
		})
	}
}

func TestTheSubscriptionSurvivesTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		time.Sleep(3 * time.Second)
		b.net.Cut(host)
		time.Sleep(100 * time.Millisecond)
		b.take()
		time.Sleep(time.Minute)
		readings, faults := b.take()
		if len(readings) != 0 || len(faults) < 50 || faults[5].Kind != devices.Unreachable {
			t.Fatalf("broker away: %d readings, %d faults", len(readings), len(faults))
		}
		b.net.Mend(host)
		time.Sleep(10 * time.Second)
		if readings, _ = b.take(); len(readings) < 7 {
			t.Fatalf("%d readings in 10 s after the broker is back", len(readings))
		}
	})
}

func TestRetainedIsNotFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, func(c *mqtt.Config) { c.Fields = mqtt.JSONFields("other") })
		payload := `{"current":[1,2,3],"power":[230,460,690],"voltage":[230,230,230]}`
		if err := b.broker.Publish("other", []byte(payload), true, 0); err != nil {
			t.Fatal(err)
		}
		b.net.Cut(host)
		time.Sleep(time.Second)
		b.net.Mend(host) // the next subscription gets the retained message
		b.take()
		time.Sleep(30 * time.Second)
		readings, faults := b.take()
		if len(readings) != 0 {
			t.Fatalf("a retained message became a reading: %+v", readings[0])
		}
		last := faults[len(faults)-1]
		if last.Kind != devices.Quiet || !strings.Contains(last.Words(), "retained") {
			t.Fatalf("fault: %s", last.Words())
		}
		if err := b.broker.Publish("other", []byte(payload), true, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if readings, _ = b.take(); len(readings) != 1 || readings[0].Current[2] != 3000 {
			t.Fatalf("a live message of a retained topic gave %d readings", len(readings))
		}
	})
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name   string
		change func(*mqtt.Config)
	}{
		{"wrong password", func(c *mqtt.Config) { c.Password = "guess" }},
		{"denied topic", func(c *mqtt.Config) { c.Fields = mqtt.JSONFields("denied") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, c.change)
				time.Sleep(10 * time.Second)
				readings, faults := b.take()
				if len(readings) != 0 || len(faults) < 5 || faults[0].Kind != devices.Refused {
					t.Fatalf("%d readings, faults %v", len(readings), faults)
				}
			})
		})
	}
}

// TestAReadingIsAsOldAsItsOldestPart: a device that repeats only some of its values
// must not look alive.
func TestAReadingIsAsOldAsItsOldestPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fields []mqtt.Field
		for p := range devices.Measurand(3) {
			fields = append(fields, mqtt.Field{Measurand: devices.CurrentL1 + p, Topic: fmt.Sprintf("emeter/%d/current", p)})
		}
		b := start(t, func(c *mqtt.Config) { c.Fields = fields })
		time.Sleep(time.Second)
		publish := func(p int, value string) {
			if err := b.broker.Publish(fmt.Sprintf("emeter/%d/current", p), []byte(value), false, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
		}
		begin := time.Now()
		publish(0, "6.0")
		publish(1, "7.0")
		if readings, _ := b.take(); len(readings) != 0 {
			t.Fatalf("an incomplete sample was posted: %+v", readings)
		}
		publish(2, "8.0")
		for range 20 {
			publish(1, "9")
			time.Sleep(500 * time.Millisecond)
		}
		readings, faults := b.take()
		if len(faults) != 1 || faults[0].Kind != devices.Quiet || !strings.Contains(faults[0].Error(), "current_l1 on topic emeter/0/current") {
			t.Fatalf("faults: %v", faults)
		}
		if len(readings) != 21 {
			t.Fatalf("%d readings", len(readings))
		}
		if last := readings[20]; last.Current != [3]devices.MilliAmp{6000, 9000, 8000} || last.At.Sub(begin) > 50*time.Millisecond {
			t.Fatalf("the last reading claims to be from %v", last.At.Sub(begin))
		}
	})
}

func TestAFloodCostsAtMostTenReadingsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		time.Sleep(2 * time.Second)
		b.sim.SetFault(devicesim.Fault{Drop: true})
		b.take()
		payload := []byte(`{"current":[1,2,3],"pad":"` + strings.Repeat("x", 1000) + `"}`)
		for range 2000 {
			if err := b.broker.Publish("site/meter", payload, false, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if err := b.broker.Publish("site/meter", []byte(`{"current":[21,22,23]}`), false, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		readings, _ := b.take()
		if len(readings) > 25 || len(readings) < 15 {
			t.Fatalf("%d readings in 2.3 s", len(readings))
		}
		if newest := readings[len(readings)-1]; newest.Current[0] != 21000 {
			t.Fatalf("the newest message did not win: %v", newest.Current)
		}
	})
}

func TestAFloodOfNonsenseCostsAtMostOneFaultASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		b.sim.SetFault(devicesim.Fault{Drop: true})
		time.Sleep(2 * time.Second)
		b.take()
		for range 5000 {
			if err := b.broker.Publish("site/meter", []byte(`{"current":["six",2,3]}`), false, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if readings, faults := b.take(); len(readings) != 0 || len(faults) < 4 || len(faults) > 6 {
			t.Fatalf("%d readings, %d faults in 5 s", len(readings), len(faults))
		}
	})
}

func TestAHugePacketEndsTheConnectionNotTheBox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		time.Sleep(3 * time.Second)
		b.take()
		if err := b.broker.Publish("site/meter", make([]byte, 1<<20), false, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		readings, faults := b.take()
		if len(readings) < 3 || len(faults) != 1 || !strings.Contains(faults[0].Error(), "too large") {
			t.Fatalf("%d readings, faults %v", len(readings), faults)
		}
	})
}

func TestADeadLinkIsSeenByKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		l, err := network.Listen(host)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { // a broker that accepts, grants and then says nothing more
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() { muteBroker(conn) })
			}
		})
		faults := make(chan *devices.Fault, 100)
		subscriber, err := mqtt.New(mqtt.Config{Broker: "tcp://" + host, ClientID: "box", Dial: network.DialContext, Quiet: time.Hour,
			Fields: mqtt.JSONFields("m"), Nature: devices.Nature{Phases: 3},
			OnReading: func(devices.Reading) {}, OnFailure: func(f *devices.Fault) { faults <- f }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() { _ = subscriber.Run(ctx) })
		begin := time.Now()
		f := <-faults
		if after := time.Since(begin); after > 20*time.Second || f.Kind != devices.Unreachable {
			t.Errorf("seen after %v: %s", after, f.Words())
		}
		cancel()
		_ = l.Close()
		wg.Wait()
	})
}

func muteBroker(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	buf := make([]byte, 4096)
	if _, err := conn.Read(buf); err != nil {
		return
	}
	_, _ = conn.Write([]byte{0x20, 2, 0, 0})
	if _, err := conn.Read(buf); err != nil {
		return
	}
	_, _ = conn.Write([]byte{0x90, 3, buf[2], buf[3], 0})
	_, _ = io.Copy(io.Discard, conn)
}

// TestStopAtAnyMoment ends the subscriber at some point of connecting, subscribing or
// receiving; the bubble proves that nothing of the client library stays.
func TestStopAtAnyMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		subscriber, err := mqtt.New(mqtt.Config{Broker: "tcp://" + host, ClientID: "second", Username: "meter", Password: "secret", Dial: b.net.DialContext,
			Fields: mqtt.JSONFields("site/meter"), Nature: devices.Nature{Phases: 3}, OnReading: func(devices.Reading) {}, OnFailure: func(*devices.Fault) {}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { _ = subscriber.Run(ctx) })
			for range i {
				runtime.Gosched()
			}
			cancel()
			wg.Wait()
		}
	})
}

func TestRequestsMakeADevicePublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, func(c *mqtt.Config) {
			c.Requests = []mqtt.Request{{Topic: "ask", Payload: "10", Every: 2 * time.Second}}
		})
		var mu sync.Mutex
		asked := 0
		if err := b.broker.Subscribe("ask", 1, func(_ *broker.Client, _ packets.Subscription, pk packets.Packet) {
			mu.Lock()
			defer mu.Unlock()
			if string(pk.Payload) == "10" {
				asked++
			}
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20500 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		if asked < 10 || asked > 11 {
			t.Fatalf("asked %d times in 20 s", asked)
		}
	})
}

func TestNewReportsEverythingThatIsWrong(t *testing.T) {
	_, err := mqtt.New(mqtt.Config{Broker: "broker", QoS: 2, Fields: []mqtt.Field{{Measurand: devices.CurrentL1, Topic: "a/#", Path: "x..y"}}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"broker", "client id", "qos", "callback", "phases", "wildcards", "a name is empty"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not speak of %q", err, want)
		}
	}
}
