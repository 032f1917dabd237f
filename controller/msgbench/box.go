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
	Reaction bool   // the site of RunReaction instead of that of Run
	Meter    string // host:port of the grid's meter
	Version  string
	Logger   *slog.Logger
}

// ServeBox is the child that is measured: the box on a free loopback port. It ends when
// in ends or ctx does.
func ServeBox(ctx context.Context, in io.Reader, out io.Writer, o BoxOptions) error {
	cfg, err := config.Parse("bench.yaml", o.site().yaml(o.Chargers, o.Meter), config.Known{})
	if err != nil {
		return fmt.Errorf("cannot use the generated site: %w", err)
	}
	box, err := appliance.New(ctx, appliance.Options{Config: cfg, DataDir: o.DataDir, Version: o.Version, Token: "bench", Logger: o.Logger})
	if err != nil {
		return err
	}
	return whileObeying(ctx, in, out, box.Addr("chargers").String(), box.Run, func(u *usage) {
		st := box.Status()
		u.ReactionMs, u.Pending = st.ReactionMsP99, st.OutboxPending
		for _, r := range box.Reactions() {
			u.Reactions = append(u.Reactions, reaction{r.Took, r.Frames})
		}
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

// site is a generated site: currents in amperes, per phase.
type site struct {
	phases    int // of each charger
	worstBase int // of the building for each charger there
	limit     int // of the grid's fuse for each charger there
	more      int // and beyond that
	most      int // of a charger
}

// What the cars and the building behind the same fuse take, in amperes per phase and
// charger: half of the chargers have a car that wants all, so that the building's low
// load leaves all of it and the high one does not.
const (
	baseLow  = 1
	baseHigh = 5
	wanted   = 16
	// The steps are larger than the configuration tells: the box would keep room for them.
	largestStep = 10
	perBoard    = 6
)

var messageSite = site{phases: 3, worstBase: baseHigh, limit: 12, more: 63, most: wanted}

func (o BoxOptions) site() site {
	if o.Reaction {
		return reactionSite
	}
	return messageSite
}

// on is how many of n chargers are on each conductor.
func (s site) on(n int) [3]int {
	var out [3]int
	for i := range n {
		for p := range s.phases {
			out[(i+p)%3]++
		}
	}
	return out
}

// chargerName is the identity of the i-th charger.
func chargerName(i int) string { return fmt.Sprintf("CP%04d", i+1) }

// yaml is the site with n chargers, without a cloud.
func (s site) yaml(n int, meter string) []byte {
	var b strings.Builder
	on := s.on(n)
	each := func(a, more int) string { return fmt.Sprintf("[%d, %d, %d]", a*on[0]+more, a*on[1]+more, a*on[2]+more) }
	b.WriteString("version: 1\nsite: {id: bench, name: Bench, timezone: Europe/Berlin, nominal_v: 230}\n")
	fmt.Fprintf(&b, "grid: [{circuit: main, meter: grid, type: star-230-400, worst_base_a: %s, largest_step_a: %d}]\n", each(s.worstBase, 0), largestStep)
	fmt.Fprintf(&b, "circuits:\n  - {id: main, limit_a: %s, breaker: gG}\n", each(s.limit, s.more))
	for i := 0; i < n; i += perBoard {
		fmt.Fprintf(&b, "  - {id: board-%d, parent: main, limit_a: %s, breaker: MCB-C}\n", i/perBoard, fmt.Sprintf("[%d, %[1]d, %[1]d]", s.most*perBoard))
	}
	fmt.Fprintf(&b, "meters: [{id: grid, url: \"tcp://%s/1\", model: eastron_sdm630, period: 1s}]\nchargers:\n", meter)
	for i := range n {
		order := []string{"L1", "L2", "L3", "L1", "L2"}[i%3:]
		fmt.Fprintf(&b, "  - {id: %s, circuit: board-%d, protocol: any, security_profile: 0, failsafe_a: 6,\n     connectors: [{n: 1, max_a: %d, phases: [%s]}]}\n",
			chargerName(i), i/perBoard, s.most, strings.Join(order[:s.phases], ", "))
	}
	b.WriteString("upstream: {stations: []}\nauthorization: {unknown: accept, offline_unknown: accept, groups: []}\nonboarding: open\n")
	b.WriteString("listen: {ui: \"127.0.0.1:0\", ws: \"127.0.0.1:0\", wss: \"\", mtls: \"\", modbus: \"\"}\n")
	return []byte(b.String())
}
