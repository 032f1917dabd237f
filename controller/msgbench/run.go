package msgbench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"busbar/devices/catalog"
	"busbar/devices/devicesim"
	"busbar/ocpp/ocppload"
)

// Options say what is measured.
type Options struct {
	Chargers int           // 2 and more
	For      time.Duration // the sum of all measured intervals
	Rate     float64       // messages per second and charger where it is paced
	// Mixes and Modes choose; nil: all.
	Mixes []ocppload.Mix
	Modes []Mode
	// Profile is a folder for profiles of the box's processor time, one per mix and mode;
	// "": none are taken.
	Profile string
	// Spawn makes the command of a child, Box or Echo, which is told the meter's address.
	Spawn func(name, meter string) (*exec.Cmd, error)
	// Tell gets a line for each thing that is done; nil allowed.
	Tell func(line string)
}

// Mode is how the load is given.
type Mode string

// The modes.
const (
	Paced Mode = "paced" // at a rate per charger
	Full  Mode = "full"  // each charger as fast as it is answered
)

// cell is what is measured in turns of both children.
type cell struct {
	mode Mode
	mix  ocppload.Mix
}

// slice is one turn of one child.
type slice struct {
	load   ocppload.Load
	cpu    time.Duration
	allocs uint64
	rss    int64
}

func (s slice) perMessage() float64 {
	return float64(s.cpu.Microseconds()) / float64(max(1, s.load.Messages))
}

// bench is a run under way.
type bench struct {
	Options
	box, echo *proc
	meter     *siteMeter
	high      atomic.Bool         // the building's load
	memory    map[string][3]usage // before, with idle chargers, at the end, by child
	idle      map[string]float64  // share of one processor with idle chargers, by child
	slices    map[cell]map[string][]slice
	reaction  *float64
	reactions int
	setpoints int
}

// siteMeter is the truth that the grid's meter shows.
type siteMeter struct {
	site     site
	chargers int
	building func() float64 // A on each conductor for each charger there
	fleet    atomic.Pointer[ocppload.Fleet]
}

func (m *siteMeter) truth() devicesim.Truth {
	t := devicesim.Truth{Voltage: [3]float64{230, 230, 230}}
	building := m.building()
	for p, n := range m.site.on(m.chargers) {
		t.Current[p] = building * float64(n)
	}
	if f := m.fleet.Load(); f != nil {
		for i, amps := range f.Drawn() {
			for p := range m.site.phases {
				t.Current[(i+p)%3] += amps
			}
		}
	}
	return t
}

// Run measures. The error tells what did not work; a figure that is bad is none.
func Run(ctx context.Context, o Options) (result *Result, err error) {
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	if o.Mixes == nil {
		o.Mixes = []ocppload.Mix{ocppload.NonBilling, ocppload.Billing}
	}
	if o.Modes == nil {
		o.Modes = []Mode{Paced, Full}
	}
	b := &bench{Options: o, memory: map[string][3]usage{}, idle: map[string]float64{}, slices: map[cell]map[string][]slice{}}
	b.meter = &siteMeter{site: messageSite, chargers: o.Chargers, building: b.building}
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	addr, err := b.meter.serve(ctx, &wg, o.Tell)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	if err := b.start(addr); err != nil {
		return nil, err
	}
	for _, do := range []func(context.Context) error{b.measureIdle, b.measureLoad, b.measureEnd} {
		if err := do(ctx); err != nil {
			return nil, err
		}
	}
	return b.result(), nil
}

// building is the load beside the chargers, A for each.
func (b *bench) building() float64 {
	if b.high.Load() {
		return baseHigh
	}
	return baseLow
}

// serve shows the site's current over Modbus.
func (m *siteMeter) serve(ctx context.Context, wg *sync.WaitGroup, tell func(string)) (addr string, err error) {
	model, err := catalog.Lookup("eastron_sdm630")
	if err != nil {
		return "", err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("cannot listen for the simulated meter: %w", err)
	}
	meter := devicesim.NewMeter(model, 1, m.truth)
	wg.Go(func() {
		if err := meter.Serve(ctx, l); err != nil {
			tell("the simulated meter ended: " + err.Error())
		}
	})
	return l.Addr().String(), nil
}

// start brings both children up.
func (b *bench) start(meter string) error {
	for _, c := range []struct {
		name string
		to   **proc
	}{{Echo, &b.echo}, {Box, &b.box}} {
		cmd, err := b.Spawn(c.name, meter)
		if err != nil {
			return err
		}
		if *c.to, err = spawn(c.name, cmd); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) end() error {
	var errs []error
	for _, p := range []*proc{b.box, b.echo} {
		if p != nil {
			errs = append(errs, p.end())
		}
	}
	return errors.Join(errs...)
}

func (b *bench) procs() []*proc { return []*proc{b.echo, b.box} }

// Times around the measured intervals.
const (
	settleFor = 3 * time.Second // after connecting: keys are read and written
	idleFor   = 2 * time.Second
	warmFor   = 300 * time.Millisecond
)

// measureIdle connects the chargers and looks at what they cost while silent.
func (b *bench) measureIdle(ctx context.Context) error {
	b.Tell(fmt.Sprintf("connecting %d chargers to the box and to the echo", b.Chargers))
	before := map[string]usage{}
	for _, p := range b.procs() {
		u, err := p.ask(askCollect)
		if err != nil {
			return err
		}
		b.memory[p.name] = [3]usage{u}
		if err := p.connect(ctx, b.Chargers, nil); err != nil {
			return err
		}
	}
	b.meter.fleet.Store(b.box.fleet)
	if err := pause(ctx, settleFor); err != nil {
		return err
	}
	for _, p := range b.procs() {
		u, err := p.ask(askUsage)
		if err != nil {
			return err
		}
		before[p.name] = u
	}
	start := time.Now()
	if err := pause(ctx, idleFor); err != nil {
		return err
	}
	for _, p := range b.procs() {
		u, err := p.ask(askUsage)
		if err != nil {
			return err
		}
		b.idle[p.name] = float64(u.CPU-before[p.name].CPU) / float64(time.Since(start))
		live, err := p.ask(askCollect)
		if err != nil {
			return err
		}
		u.Heap, u.Goroutines = live.Heap, live.Goroutines
		m := b.memory[p.name]
		m[1] = u
		b.memory[p.name] = m
	}
	return nil
}

// rounds is how often each child has its turn with each cell.
func (b *bench) rounds() int { return min(7, max(3, int(b.For/(6*time.Second)))) }

// measureLoad gives both children their turns.
func (b *bench) measureLoad(ctx context.Context) error {
	for _, p := range b.procs() {
		if err := p.fleet.Charge(ctx, ocppload.Cars{Every: 2, Wants: 10 * wanted}); err != nil {
			return fmt.Errorf("cannot start sessions at the %s: %w", p.name, err)
		}
	}
	var cells []cell
	for _, mix := range b.Mixes {
		for _, mode := range b.Modes {
			cells = append(cells, cell{mode, mix})
		}
	}
	lasts := b.For / time.Duration(len(cells)*2*b.rounds())
	for round := range b.rounds() + 1 { // the first warms up
		for i, c := range cells {
			if round == 0 {
				if err := b.turns(ctx, c, "", min(lasts, warmFor)); err != nil {
					return err
				}
				continue
			}
			b.Tell(fmt.Sprintf("round %d of %d: %v, %s", round, b.rounds(), c.mix, c.mode))
			profile := ""
			if b.Profile != "" {
				profile = filepath.Join(b.Profile, fmt.Sprintf("%v-%s-%d.pprof", c.mix, c.mode, round))
			}
			if err := b.turns(ctx, cells[i], profile, lasts); err != nil {
				return err
			}
		}
		if round == 0 {
			b.slices = map[cell]map[string][]slice{}
		}
	}
	return nil
}

// turns loads the echo, then the box.
func (b *bench) turns(ctx context.Context, c cell, profile string, lasts time.Duration) error {
	for _, p := range b.procs() {
		own := ""
		if p == b.box {
			own = profile
		}
		s, err := b.turn(ctx, p, c, own, lasts)
		if err != nil {
			return fmt.Errorf("the load on the %s (%v, %s): %w", p.name, c.mix, c.mode, err)
		}
		if b.slices[c] == nil {
			b.slices[c] = map[string][]slice{}
		}
		b.slices[c][p.name] = append(b.slices[c][p.name], s)
	}
	return nil
}

// turn loads one child for a time. The building's load is high while the box has its.
func (b *bench) turn(ctx context.Context, p *proc, c cell, profile string, lasts time.Duration) (slice, error) {
	if profile != "" {
		if _, err := p.ask(askProfile + " " + profile); err != nil {
			return slice{}, err
		}
	}
	before, err := p.ask(askUsage)
	if err != nil {
		return slice{}, err
	}
	rate := b.Rate
	if c.mode == Full {
		rate = 0
	}
	b.high.Store(p == b.box)
	load, err := p.fleet.Run(ctx, c.mix, rate, lasts)
	if err != nil {
		return slice{}, err
	}
	after, err := p.ask(askUsage)
	if err != nil {
		return slice{}, err
	}
	if profile != "" {
		if _, err := p.ask(askStop); err != nil {
			return slice{}, err
		}
	}
	return slice{load: load, cpu: after.CPU - before.CPU, allocs: after.Allocs - before.Allocs, rss: after.RSS}, nil
}

// measureEnd looks at what is left of the load.
func (b *bench) measureEnd(context.Context) error {
	for _, p := range b.procs() {
		u, err := p.ask(askCollect)
		if err != nil {
			return err
		}
		m := b.memory[p.name]
		m[2] = u
		b.memory[p.name] = m
	}
	u, err := b.box.ask(askStatus)
	if err != nil {
		return err
	}
	b.reaction, b.reactions, b.setpoints = u.ReactionMs, len(u.Reactions), b.box.fleet.Setpoints()
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
