package msgbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"busbar/controller/appliance"
	"busbar/controller/config"
	"busbar/ocpp/ocppload"
)

// BoxOptions are what the measured box is made of.
type BoxOptions struct {
	DataDir  string
	Chargers int
	Meter    string // host:port of the grid's meter
	Version  string
	Logger   *slog.Logger
}

// ServeBox is the child that is measured: the box on a free loopback port. It ends when
// in ends or ctx does.
func ServeBox(ctx context.Context, in io.Reader, out io.Writer, o BoxOptions) error {
	cfg, err := config.Parse("bench.yaml", siteYAML(o.Chargers, o.Meter), config.Known{})
	if err != nil {
		return fmt.Errorf("cannot use the generated site: %w", err)
	}
	box, err := appliance.New(ctx, appliance.Options{Config: cfg, DataDir: o.DataDir, Version: o.Version, Token: "bench", Logger: o.Logger})
	if err != nil {
		return err
	}
	return whileObeying(ctx, in, out, box.Addr("chargers").String(), box.Run, func(u *usage) {
		st := box.Status()
		u.ReactionMs, u.Reactions, u.Pending = st.ReactionMsP99, box.Reactions(), st.OutboxPending
	})
}

// ServeEcho is the child that the box is compared with.
func ServeEcho(ctx context.Context, in io.Reader, out io.Writer) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen for the echo: %w", err)
	}
	serve := func(ctx context.Context) error { return ocppload.ServeEcho(ctx, l) }
	return whileObeying(ctx, in, out, l.Addr().String(), serve, func(*usage) {})
}

// whileObeying runs a server as long as the parent asks.
func whileObeying(ctx context.Context, in io.Reader, out io.Writer, addr string, serve func(context.Context) error, fill func(*usage)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- serve(ctx)
		stop()
	}()
	err := obey(ctx, in, out, addr, fill)
	stop()
	return errors.Join(err, <-served)
}

// What the generated site's cars and the building behind the same fuse take, in amperes
// per phase and charger: half of the chargers have a car that wants 16 A, so that the
// building's low load leaves all of it and the high one does not.
const (
	baseLow   = 1
	baseHigh  = 5
	limitEach = 12
	limitMore = 63
	// The steps are larger than the configuration tells: the box would keep room for them.
	largestStep = 10
	perBoard    = 6
)

// chargerName is the identity of the i-th charger.
func chargerName(i int) string { return fmt.Sprintf("CP%04d", i+1) }

// siteYAML is a site of n chargers with three phases, without a cloud.
func siteYAML(n int, meter string) []byte {
	var b strings.Builder
	three := func(a int) string { return fmt.Sprintf("[%d, %d, %d]", a, a, a) }
	b.WriteString("version: 1\nsite: {id: bench, name: Bench, timezone: Europe/Berlin, nominal_v: 230}\n")
	fmt.Fprintf(&b, "grid: [{circuit: main, meter: grid, type: star-230-400, worst_base_a: %s, largest_step_a: %d}]\n", three(baseHigh*n), largestStep)
	fmt.Fprintf(&b, "circuits:\n  - {id: main, limit_a: %s, breaker: gG}\n", three(limitEach*n+limitMore))
	for i := 0; i < n; i += perBoard {
		fmt.Fprintf(&b, "  - {id: board-%d, parent: main, limit_a: %s, breaker: MCB-C}\n", i/perBoard, three(16*perBoard))
	}
	fmt.Fprintf(&b, "meters: [{id: grid, url: \"tcp://%s/1\", model: eastron_sdm630, period: 1s}]\nchargers:\n", meter)
	for i := range n {
		fmt.Fprintf(&b, "  - {id: %s, circuit: board-%d, protocol: any, security_profile: 0, failsafe_a: 6,\n     connectors: [{n: 1, max_a: 16, phases: [%s]}]}\n",
			chargerName(i), i/perBoard, []string{"L1, L2, L3", "L2, L3, L1", "L3, L1, L2"}[i%3])
	}
	b.WriteString("upstream: {stations: []}\nauthorization: {unknown: accept, offline_unknown: accept, groups: []}\nonboarding: open\n")
	b.WriteString("listen: {ui: \"127.0.0.1:0\", ws: \"127.0.0.1:0\", wss: \"\", mtls: \"\", modbus: \"\"}\n")
	return []byte(b.String())
}
