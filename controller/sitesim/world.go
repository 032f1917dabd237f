package sitesim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"busbar/controller"
	"busbar/controller/appliance"
	"busbar/controller/config"
	"busbar/devices/catalog"
	"busbar/devices/devicesim"
	"busbar/ocpp/ocppsim"
)

// Env is where a World lives: the network, the disk, and who listens to it.
type Env struct {
	Network appliance.Network
	DataDir string
	// UI, Chargers, Meter and Cloud are the addresses to listen on.
	UI, Chargers, Meter, Cloud string
	Token                      string
	Version                    string
	// Foreign parts instead of the simulated ones.
	UpstreamURL, UpstreamID, UpstreamPassword string
	MeterURL                                  string
	// Quiesce waits until nothing moves any more; needed for FaultBoxCrash, which copies
	// the files as they stand. Virtual time has it (testing/synctest.Wait).
	Quiesce func()
	// BoxNetwork is the box's own attachment to the network, so that a crash can take it
	// away; zero: Network.
	BoxNetwork func() (appliance.Network, func())
	// Fast commits without waiting for the disk: for virtual time only.
	Fast   bool
	Logger *slog.Logger
	// Tell gets one calm line per thing that happens; nil: nobody listens.
	Tell func(line string)
}

// World is a site: the box, its chargers and cars, the grid with its meter, and the
// cloud. Run makes it live; the other methods may be called from any goroutine while
// it does.
type World struct {
	sc       Scenario
	env      Env
	cfg      *config.Config
	chargers []charger
	cloud    *ocppsim.Cloud
	meter    *devicesim.Meter
	grid     *Grid
	checker  *Checker
	faults   faultSet
	start    time.Time

	mu       sync.Mutex
	box      *appliance.Box
	slots    map[string]map[int]int
	meterBad map[string]bool
	final    controller.Status
	cutBox   func()
	dataDir  string
	lives    int
	crash    chan chan error
}

type charger struct {
	id  string
	sim *ocppsim.Charger
	at  place
}

// faultSet is which faults are on.
type faultSet struct {
	mu sync.Mutex
	on map[string]bool
}

func (f *faultSet) set(name, arg string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.on == nil {
		f.on = map[string]bool{}
	}
	f.on[name+":"+arg] = on
}

func (f *faultSet) active(name, arg string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on[name+":"+arg]
}

// New builds a World and its box; nothing runs yet.
func New(ctx context.Context, sc Scenario, env Env) (*World, error) {
	sc = sc.withDefaults()
	w := &World{sc: sc, env: env, meterBad: map[string]bool{}, slots: map[string]map[int]int{},
		dataDir: filepath.Join(env.DataDir, "life-0"), crash: make(chan chan error)}
	a := Addresses{UI: env.UI, Chargers: env.Chargers, Meter: "tcp://" + env.Meter + "/1", Cloud: "ws://" + env.Cloud + "/ocpp"}
	switch {
	case sc.NoCloud:
		a.Cloud = ""
	case env.UpstreamURL != "":
		a.Cloud, a.CloudPassword = env.UpstreamURL, env.UpstreamPassword
		w.sc.Station = env.UpstreamID
	}
	a.MeterModel = "eastron_sdm630"
	if env.MeterURL != "" {
		m, err := config.ParseMeterURL(env.MeterURL)
		if err != nil {
			return nil, fmt.Errorf("cannot use the meter: %w", err)
		}
		a.Meter, _, _ = strings.Cut(env.MeterURL, "?")
		a.MeterModel = m.Model
	}
	yaml := w.sc.SiteYAML(a)
	if sc.Site != nil {
		yaml = []byte(sc.Site(string(yaml)))
	}
	if err := w.configure(yaml); err != nil {
		return nil, err
	}
	w.start = time.Now()
	w.grid = &Grid{scale: float64(sc.scale()), steps: sc.BaseSteps, start: w.start}
	w.checker = newChecker(w.cfg.Nodes())
	if err := w.simulate(); err != nil {
		return nil, err
	}
	return w, w.build(ctx)
}

func (w *World) configure(yaml []byte) error {
	cfg, err := config.Parse("demo.yaml", yaml, config.Known{})
	if err != nil {
		return fmt.Errorf("cannot use the generated site: %w", err)
	}
	w.cfg = cfg
	return nil
}

// simulate makes the chargers, the meter and the cloud.
func (w *World) simulate() error {
	for i, p := range w.sc.places() {
		cfg := ocppsim.ChargerConfig{
			ID: p.id, URL: "ws://" + w.env.Chargers + "/ocpp", Dial: w.env.Network.Dial, Seed: uint64(w.sc.Seed)*1000 + uint64(i),
			Outlets: []ocppsim.Outlet{{Number: 1, Phases: len(p.wiring), Max: float64(p.max) / 1000}},
			Plan:    w.sc.plan(i, p),
		}
		w.sc.OCPP.speaks(i, &cfg)
		if w.sc.Quirks {
			cfg.Quirks = []ocppsim.Quirk{bearable(i)}
		}
		c := charger{id: p.id, at: p, sim: ocppsim.NewCharger(cfg)}
		w.chargers = append(w.chargers, c)
		l := load{slot: i + 1, node: w.cfg.Chargers[i].Circuit, wiring: p.wiring, current: func() [3]float64 { return c.sim.Current(1) }}
		w.grid.loads = append(w.grid.loads, l)
		w.checker.slots = append(w.checker.slots, &slotTruth{number: i + 1, node: w.checker.nodeIndex(l.node), load: l, max: p.max, allowed: func() Allowed {
			limit, expires, active := c.sim.Allowed(1)
			return Allowed{Limit: limit, Expires: expires, Active: active}
		}})
	}
	if w.env.UpstreamURL == "" && !w.sc.NoCloud {
		w.cloud = ocppsim.NewCloud(ocppsim.CloudConfig{})
	}
	if w.env.MeterURL == "" {
		model, err := catalog.Lookup("eastron_sdm630")
		if err != nil {
			return err
		}
		w.meter = devicesim.NewMeter(model, 1, func() devicesim.Truth {
			return devicesim.Truth{Current: w.total(), Voltage: [3]float64{230, 230, 230}}
		})
	}
	return nil
}

// total is what the meter measures; with foreign chargers, what they report.
func (w *World) total() [3]float64 {
	now := time.Now()
	if len(w.chargers) > 0 {
		return w.grid.Total(now)
	}
	sum := w.grid.Base(now)
	if box := w.Box(); box != nil {
		for _, c := range box.Snapshot().Connectors {
			for p, a := range c.Measured {
				sum[p] += float64(a) / 1000
			}
		}
	}
	return sum
}

// Box is the present box, nil while it is down.
func (w *World) Box() *appliance.Box {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.box
}

// build makes a box on the data folder.
func (w *World) build(ctx context.Context) error {
	network, cut := w.env.Network, func() {}
	if w.env.BoxNetwork != nil {
		network, cut = w.env.BoxNetwork()
	}
	box, err := appliance.New(ctx, appliance.Options{Config: w.cfg, DataDir: w.dataDir, Version: w.env.Version, Demo: demo{w}, Token: w.env.Token, ShowTokens: true,
		Network: network, Fast: w.env.Fast, Logger: w.env.Logger, Decorate: w.decorate})
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.box, w.cutBox = box, cut
	w.mu.Unlock()
	return nil
}

// runBox runs the box, and after a crash another one on what the disk held.
func (w *World) runBox(ctx context.Context) error {
	for {
		own, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- w.Box().Run(own) }()
		select {
		case err := <-done:
			stop()
			return err
		case restarted := <-w.crash:
			err := w.replaceBox(ctx, stop, done)
			restarted <- err
			if err != nil {
				return err
			}
		}
	}
}

// replaceBox is a crash and the start after it: every connection breaks, the files are
// copied as they stand, the old box ends unheard, a new one starts on the copy.
func (w *World) replaceBox(ctx context.Context, stop context.CancelFunc, done <-chan error) error {
	w.mu.Lock()
	cut := w.cutBox
	w.mu.Unlock()
	cut()
	w.env.Quiesce()
	w.lives++
	next := filepath.Join(w.env.DataDir, fmt.Sprintf("life-%d", w.lives))
	if err := os.CopyFS(next, os.DirFS(w.dataDir)); err != nil {
		return fmt.Errorf("cannot copy the data of the crashed box: %w", err)
	}
	stop()
	<-done // what it says when its sockets are gone is no matter
	w.dataDir = next
	w.tell("the box crashed; a new one starts on what the disk held")
	return w.build(ctx)
}

// Crash kills the box and starts another one on its files; it needs Env.Quiesce and
// Env.BoxNetwork.
func (w *World) Crash(ctx context.Context) error {
	if w.env.Quiesce == nil || w.env.BoxNetwork == nil {
		return errors.New("cannot crash the box: this world can't stand still")
	}
	restarted := make(chan error, 1)
	select {
	case w.crash <- restarted:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-restarted
}

// Run lives until ctx ends: no new car starts then, answers in flight are awaited,
// and everything stops. Listeners must have been free.
func (w *World) Run(ctx context.Context) error {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	errs := make(chan error, len(w.chargers)+8)
	spawn := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(life); err != nil {
				errs <- fmt.Errorf("%s: %w", name, err)
				stop()
			}
		})
	}
	if err := w.listen(spawn); err != nil {
		stop()
		wg.Wait()
		return err
	}
	boxCtx, stopBox := context.WithCancel(life)
	boxDone := make(chan struct{})
	spawn("box", func(context.Context) error { defer close(boxDone); return w.runBox(boxCtx) })
	for _, c := range w.chargers {
		spawn(c.id, c.sim.Run)
	}
	spawn("checker", w.look)
	spawn("faults", w.playFaults)
	select {
	case <-ctx.Done():
	case <-life.Done():
	}
	for _, c := range w.chargers {
		c.sim.CloseDoor()
	}
	w.settle(life)
	final := w.Box().Status()
	w.mu.Lock()
	w.final = final
	w.mu.Unlock()
	stopBox()
	<-boxDone
	stop()
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// listen opens the simulated meter and cloud.
func (w *World) listen(spawn func(string, func(context.Context) error)) error {
	open := func(addr string, serve func(context.Context, net.Listener) error, name string) error {
		l, err := w.env.Network.Listen(addr)
		if err != nil {
			return fmt.Errorf("cannot listen for the simulated %s: %w", name, err)
		}
		spawn(name, func(ctx context.Context) error { return serve(ctx, l) })
		return nil
	}
	if w.meter != nil {
		if err := open(w.env.Meter, w.meter.Serve, "meter"); err != nil {
			return err
		}
	}
	if w.cloud != nil {
		return open(w.env.Cloud, w.cloud.Serve, "cloud")
	}
	return nil
}

// settleWithin is how long answers in flight are awaited at the end.
const settleWithin = 2 * time.Second

// settle waits for what is on its way, and not longer than settleWithin.
func (w *World) settle(ctx context.Context) {
	end := time.NewTimer(settleWithin)
	defer end.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		pending := w.Box().Status().OutboxPending
		for _, c := range w.chargers {
			pending += c.sim.Pending()
		}
		if pending == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-again.C:
		}
	}
}

// look has the checker compare the site at its interval.
func (w *World) look(ctx context.Context) error {
	t := time.NewTicker(w.sc.CheckEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			var snap *controller.Snapshot
			if box := w.Box(); box != nil && w.checker.wantsBox() {
				snap = box.Snapshot()
			}
			now := time.Now()
			w.checker.Look(now, w.grid.Base(now), snap)
		}
	}
}

// playFaults makes the scenario's faults happen at their times.
func (w *World) playFaults(ctx context.Context) error {
	type moment struct {
		at time.Duration
		f  Fault
		on bool
	}
	var all []moment
	for _, f := range w.sc.Faults {
		all = append(all, moment{f.From, f, true})
		if f.To > 0 {
			all = append(all, moment{f.To, f, false})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return int(a.at - b.at) })
	for _, m := range all {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(w.start.Add(m.at))):
			if err := w.SetFault(m.f.Name, m.f.Arg, m.on); err != nil {
				return err
			}
		}
	}
	<-ctx.Done()
	return nil
}

func (w *World) setMeterFault(name string, on bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meterBad[name] = on
	w.meter.SetFault(devicesim.Fault{Freeze: w.meterBad[FaultMeterFreeze], Drop: w.meterBad[FaultMeterLoss]})
	w.checker.MeterDead(now, w.meterBad[FaultMeterLoss])
}

func (w *World) tell(format string, args ...any) {
	if w.env.Tell != nil {
		w.env.Tell(fmt.Sprintf(format, args...))
	}
}

// slotOf is a charger's number towards the cloud.
func (w *World) slotOf(station string, connector int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slots[station][connector]
}

// Final is the status at the end of Run, before the box stopped.
func (w *World) Final() controller.Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.final
}

// Violations are the invariants that did not hold so far.
func (w *World) Violations() []Violation { return w.checker.Violations() }

// Differences are between the ledgers of the chargers and the cloud.
func (w *World) Differences() []ocppsim.Difference {
	if w.cloud == nil {
		return nil
	}
	w.learnSlots()
	var mine []ocppsim.Transaction
	for _, c := range w.chargers {
		mine = append(mine, c.sim.Ledger()...)
	}
	return ocppsim.Compare(mine, w.cloud.Ledger(), w.slotOf)
}

func (w *World) learnSlots() {
	box := w.Box()
	if box == nil {
		return
	}
	snap := box.Snapshot()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range snap.Connectors {
		if w.slots[string(c.Station)] == nil {
			w.slots[string(c.Station)] = map[int]int{}
		}
		w.slots[string(c.Station)][c.Connector] = int(c.Slot)
	}
}

// decorate adds to the box's own status what only the simulation knows.
func (w *World) decorate(st *controller.Status) {
	energy := 0.0
	for _, c := range w.chargers {
		energy += c.sim.Energy()
	}
	if len(w.chargers) > 0 {
		st.EnergyWhChargers = controller.WattHour(energy)
		c := w.checker
		c.mu.Lock()
		st.WorstOverloadA, st.WorstOverloadMs, st.OverloadIntegralS = c.worst.amps, c.worst.longest.Milliseconds(), c.worst.integral
		st.InvariantViolations = new(len(c.violations))
		c.mu.Unlock()
	}
	if w.cloud != nil {
		sum := controller.WattHour(0)
		for _, t := range w.cloud.Ledger().Transactions {
			if t.Stopped {
				sum += controller.WattHour(t.MeterStop - t.MeterStart)
			}
		}
		st.EnergyWhUpstream = &sum
		if len(w.chargers) > 0 {
			st.LedgerDifferences = new(len(w.Differences()))
		}
	}
}

// plan is the sessions of one connector.
func (sc *Scenario) plan(i int, p place) func(connector, n int) (ocppsim.Session, bool) {
	r := rand.New(rand.NewPCG(uint64(sc.Seed), uint64(i)))
	s := sc.Sessions
	if sc.Cars != nil {
		cars := sc.Cars(i)
		return func(_, n int) (ocppsim.Session, bool) {
			if n >= len(cars) {
				return ocppsim.Session{}, false
			}
			return cars[n], true
		}
	}
	return func(_, n int) (ocppsim.Session, bool) {
		if s.Most > 0 && n >= s.Most {
			return ocppsim.Session{}, false
		}
		between := func(a, b time.Duration) time.Duration { return a + time.Duration(r.Float64()*float64(max(0, b-a))) }
		out := ocppsim.Session{Wait: between(s.Pause/2, s.Pause*3/2), Token: fmt.Sprintf("TAG%03d%02d", i+1, n%100), Lasts: between(s.Short, s.Long),
			TokenFirst: sc.OCPP == OCPPMixed && n%2 == 1}
		if n == 0 {
			out.Wait = between(time.Second, s.PlugWithin)
		}
		out.Car = ocppsim.Car{Phases: 1 + r.IntN(len(p.wiring)), Under: 0.2 + 0.6*r.Float64(), Dead: time.Duration(800+r.IntN(1200)) * time.Millisecond, Up: 2 + 3*r.Float64()}
		if r.IntN(3) == 0 { // takes less than it is offered
			out.Car.Max = []float64{10, 13, 16}[r.IntN(3)]
		}
		if r.IntN(5) == 0 { // is full before it leaves
			out.Car.Need = 230 * 8 * s.Short.Hours()
		}
		return out, true
	}
}

func (sc Scenario) withDefaults() Scenario {
	if sc.Station == "" {
		sc.Station = "SITE1"
	}
	if sc.CheckEvery == 0 {
		sc.CheckEvery = 100 * time.Millisecond
	}
	if sc.Sessions == (Sessions{}) {
		sc.Sessions = Sessions{PlugWithin: 14 * time.Second, Short: 20 * time.Second, Long: time.Minute, Pause: 12 * time.Second}
	}
	return sc
}

// Chargers are the identities of the simulated chargers.
func (w *World) Chargers() []string {
	out := make([]string, len(w.chargers))
	for i, c := range w.chargers {
		out[i] = c.id
	}
	return out
}
