package appliance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"busbar/controller"
	"busbar/controller/adoption"
	"busbar/controller/config"
	"busbar/controller/downstream"
	"busbar/controller/ocpplog"
	"busbar/controller/pki"
	"busbar/controller/store"
	"busbar/controller/upstream"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/web"
)

// Options are what a Box is made of.
type Options struct {
	Config  *config.Config
	DataDir string
	Version string
	// Demo opens the page's fault buttons and lets everybody read; nil in service.
	Demo  web.Demo
	Token string // of an admin, for writes over HTTP
	// ShowTokens shows idTokens to admins in full in the OCPP log.
	ShowTokens bool
	// Control opens the control socket in the data folder.
	Control bool
	// Network is the machine's unless given.
	Network Network
	// Fast does not wait for the disk: for virtual time only, where a crash is a copy of
	// the files.
	Fast   bool
	Logger *slog.Logger
	// Decorate adds to the status what only a simulation knows.
	Decorate func(*controller.Status)
}

// Box is the whole box, wired. Run it once.
type Box struct {
	opts         Options
	log          *slog.Logger
	store        *store.Store
	tokens       *store.AccessTokens
	loop         *controller.Loop
	hub          *downstream.Hub
	cloud        *upstream.Station // nil without
	page         *web.Server
	metrics      *web.Metrics
	tally        *tally
	messages     *ocpplog.Log
	probes       probes
	ca           *pki.Authority // nil without a TLS port for chargers
	certificates *pki.Server
	adoption     *adoption.Service
	meters       map[string]poller
	stress       *stress
	reactions    *reactions
	planning     *planning
	decorate     func(*controller.Status)
	counts       atomic.Pointer[controller.OutboxCounts]
	listeners    map[string]net.Listener
	closers      []func() error
}

// settingAccepted remembers that the cloud has accepted this station since the machine
// was switched on, so that a restart of the process reconnects without a Boot.
const settingAccepted = "upstream/accepted"

// New wires a Box and opens its files and listeners; nothing runs before Run. When it
// fails everything is closed again.
func New(ctx context.Context, opts Options) (box *Box, err error) {
	metrics := web.NewMetrics()
	b := &Box{opts: opts, log: opts.Logger, decorate: opts.Decorate, metrics: metrics, tally: newTally(metrics), messages: ocpplog.New(ocpplog.Config{}), meters: map[string]poller{}, reactions: newReactions(), listeners: map[string]net.Listener{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.opts.Network = opts.Network.withDefaults()
	b.counts.Store(&controller.OutboxCounts{})
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	layout := Layout(opts.Config)
	b.stress = newStress(layout)
	recovered, err := b.openStore(ctx)
	if err != nil {
		return nil, err
	}
	site, err := controller.NewSite(controller.SiteConfig{Layout: layout, Recovered: recovered, Demo: opts.Demo != nil, Plan: true, Record: true})
	if err != nil {
		return nil, fmt.Errorf("cannot set the site up: %w", err)
	}
	if err := b.wireSecurity(ctx); err != nil {
		return nil, err
	}
	if err := b.wireChargers(ctx, recovered); err != nil {
		return nil, err
	}
	if err := b.wireCloud(recovered); err != nil {
		return nil, err
	}
	var cloud controller.Adapter = noCloud{}
	if b.cloud != nil {
		cloud = b.cloud
	}
	kept := &incidents{dir: filepath.Join(opts.DataDir, "incidents"), log: b.log}
	b.closers = append(b.closers, kept.wait)
	b.planning = newPlanning(b.Post, b.log)
	b.loop = controller.NewLoop(controller.LoopConfig{Site: site, Journal: b.store, Chargers: chargers{b}, Cloud: cloud, Planner: b.planning, Incidents: kept, Logger: b.log, OnStep: b.metrics.Step, OnLag: b.metrics.LoopLag})
	if err := b.wireMeters(layout); err != nil {
		return nil, err
	}
	if opts.Control {
		b.listenControl()
	}
	return b, b.wirePage()
}

// close gives everything back that New opened, newest first.
func (b *Box) close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	b.closers = nil
	return errors.Join(errs...)
}

func (b *Box) openStore(ctx context.Context) (controller.Recovered, error) {
	opts := store.Options{Post: b.Post, Logger: b.log, OnCommit: func(took time.Duration, _ int) { b.metrics.Commit(took) }}
	if b.opts.Fast {
		opts.Synchronous = store.SyncOff
	}
	st, err := store.Open(ctx, b.opts.DataDir, opts)
	if err != nil {
		return controller.Recovered{}, fmt.Errorf("cannot open the data folder: %w", err)
	}
	b.store = st
	b.closers = append(b.closers, st.Close)
	if b.tokens, err = st.AccessTokens(ctx); err != nil {
		return controller.Recovered{}, err
	}
	r, err := st.Recover(ctx)
	if err != nil {
		return r, fmt.Errorf("cannot read what the box remembers: %w", err)
	}
	return r, b.count(ctx)
}

// Post hands an event to the control loop; it is how all parts do.
func (b *Box) Post(ev controller.Event) error { return b.loop.Post(ev) }

// Ask puts a question to the Site.
func (b *Box) Ask(ctx context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error) {
	return b.loop.Ask(ctx, ask)
}

// Snapshot is the newest state of the site.
func (b *Box) Snapshot() *controller.Snapshot { return b.loop.Snapshot() }

// chargers is the Hub behind the measure of reaction.
type chargers struct{ b *Box }

// Do implements controller.Adapter.
func (c chargers) Do(e controller.Effect) {
	if limit, ok := e.(controller.SetLimit); ok {
		c.b.reactions.ordered(limit)
	}
	c.b.hub.Do(e)
}

// noCloud is the cloud's side of a site that works alone.
type noCloud struct{}

// Do implements controller.Adapter: nothing goes anywhere, and nobody asks.
func (noCloud) Do(controller.Effect) {}

func (b *Box) wireChargers(ctx context.Context, r controller.Recovered) error {
	cfg := downstream.Config{Loop: b, Onboarding: string(b.opts.Config.Onboarding), MeterInterval: meterInterval, OnLimitSent: b.reactions.written,
		Abilities: controller.RecoveredAbilities(r), Voltage: b.opts.Config.LeastVolts(),
		Trace: func(station string, e ocpp.TraceEntry) { b.tally.count(e); b.messages.Add(station, e) }, Logger: b.log,
		Known: b.knows}
	var secured []adoption.Charger
	for _, c := range b.opts.Config.Chargers {
		password, err := b.secret(c.Password, "charger "+c.ID)
		if err != nil {
			return err
		}
		secured = append(secured, adoption.Charger{ID: c.ID, Profile: c.SecurityProfile, Password: password})
		phases, volts := conductors(b.opts.Config, c)
		cfg.Chargers = append(cfg.Chargers, downstream.Charger{ID: c.ID, Password: password, SecurityProfile: c.SecurityProfile, Phases: phases, Volts: volts})
	}
	if err := b.wireAdoption(ctx, secured); err != nil {
		return err
	}
	cfg.Guard, cfg.Refused = b.adoption, b.adoption.TurnedAway
	b.hub = downstream.New(cfg)
	return b.openDoors()
}

// listen opens an address; "" is off.
func (b *Box) listen(name, addr string) error {
	if addr == "" {
		return nil
	}
	l, err := b.opts.Network.Listen(addr)
	if err != nil {
		return fmt.Errorf("cannot listen for %s on %s: %w", name, addr, err)
	}
	b.listeners[name] = l
	b.closers = append(b.closers, func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// Addr is where "chargers" (without TLS), "chargers-tls", "chargers-mtls" or "page" is
// reached, nil if it is off.
func (b *Box) Addr(name string) net.Addr {
	if l := b.listeners[name]; l != nil {
		return l.Addr()
	}
	return nil
}

// secret reads a password; files are relative to the data folder and stay inside it.
func (b *Box) secret(s config.Secret, of string) (string, error) {
	if s.IsZero() {
		return "", nil
	}
	text, err := s.Resolve(os.LookupEnv, b.readFile)
	if err != nil {
		return "", fmt.Errorf("cannot read the password of %s: %w", of, err)
	}
	return text, nil
}

// readFile reads a small file that the configuration names, in the data folder unless
// it is absolute.
func (b *Box) readFile(name string) ([]byte, error) {
	const most = 256 << 10
	if filepath.IsAbs(name) {
		return os.ReadFile(name)
	}
	root, err := os.OpenRoot(b.opts.DataDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

func (b *Box) wireMeters(l controller.Layout) error {
	nominal := map[string]loadbalance.MilliAmp{}
	for _, m := range l.Meters {
		for _, n := range l.Nodes {
			if n.ID == m.Node {
				nominal[m.ID] = max(n.Limit[0], n.Limit[1], n.Limit[2])
			}
		}
	}
	for _, m := range l.Sun { // plausible up to what the supplies carry
		for _, n := range l.Nodes {
			nominal[m.ID] = max(nominal[m.ID], n.Limit[0], n.Limit[1], n.Limit[2])
		}
	}
	post := func(ev controller.Event) {
		if s, ok := ev.(controller.MeterSampled); ok {
			b.stress.add(s)
		}
		if err := b.Post(ev); err != nil {
			b.log.Warn("the control loop did not take a meter's event", "err", err)
		}
	}
	for _, m := range b.opts.Config.Meters {
		if _, used := nominal[m.ID]; !used {
			continue
		}
		password, err := b.secret(m.Password, "meter "+m.ID)
		if err != nil {
			return err
		}
		p, err := newPoller(m, password, nominal[m.ID], b.opts.Network.Dial, post)
		if err != nil {
			return err
		}
		b.meters[m.ID] = p
	}
	return nil
}

func (b *Box) wirePage() error {
	zone, err := time.LoadLocation(b.opts.Config.Site.Timezone)
	if err != nil {
		return fmt.Errorf("cannot use the site's time zone: %w", err)
	}
	b.page = web.New(web.Config{Location: zone, Site: b, Status: b.Status, Outbox: b.outbox, Transactions: b.transactions, Events: b.store.Events, Demo: b.opts.Demo, Token: b.opts.Token,
		Tokens: b.tokens, Adoption: access{b}, Certificates: b.certificatesForPage(), Call: b.call, Parked: b.store.Parked, Resend: b.resend, Configuration: func() *config.Config { return b.opts.Config }, OCPPLog: b.ocppLog, ShowTokens: b.opts.ShowTokens, Ready: b.ready, Metrics: b.metrics, Version: b.opts.Version, Logger: b.log})
	return b.listen("page", b.opts.Config.Listen.UI)
}

// ready is nil while the control loop runs and the database can be written.
func (b *Box) ready() error {
	if err := b.store.Err(); err != nil {
		return fmt.Errorf("the database can't be written: %w", err)
	}
	if age := time.Since(b.loop.Snapshot().At); age > 10*time.Second {
		return fmt.Errorf("the control loop has not run for %v", age.Round(time.Second))
	}
	return nil
}

func (b *Box) transactions(ctx context.Context, n int) ([]controller.TxRow, error) {
	var out []controller.TxRow
	for tx, err := range b.store.Transactions(ctx, store.TxFilter{Limit: n}) {
		if err != nil {
			return nil, err
		}
		out = append(out, tx.TxRow)
	}
	return out, nil
}

func (b *Box) outbox() controller.OutboxCounts {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := b.count(ctx); err != nil {
		b.log.Warn("cannot count the outbox", "err", err)
	}
	return *b.counts.Load()
}

func (b *Box) count(ctx context.Context) error {
	c, err := b.store.Counts(ctx)
	if err != nil {
		return err
	}
	b.counts.Store(&c)
	return nil
}

// Run works until ctx ends, then stops all parts in the reverse order and closes the
// files. The error names the part that failed.
func (b *Box) Run(ctx context.Context) error {
	parts := []part{
		{name: "store", run: b.store.Run},
		{name: "control loop", run: b.loop.Run},
		{name: "planner", run: b.planning.run},
	}
	if b.cloud != nil {
		parts = append(parts, part{name: "cloud", run: b.cloud.Run})
	}
	for id, p := range b.meters {
		parts = append(parts, part{name: "meter " + id, run: p.Run})
	}
	parts = append(parts, b.chargerPorts()...)
	parts = append(parts, part{name: "prover", run: (&prover{b: b, tried: map[controller.StationID]time.Time{}}).run})
	if b.listeners["control"] != nil {
		parts = append(parts, part{name: "control socket", run: b.serveControl})
	}
	if l := b.listeners["page"]; l != nil {
		parts = append(parts, part{name: "page", run: func(ctx context.Context) error {
			return serve(ctx, l, b.page, func(context.Context) error { b.page.Close(); return nil })
		}})
	}
	return errors.Join(runParts(ctx, parts), b.close())
}

// serve runs an HTTP server until ctx ends; end closes what outlives a request.
func serve(ctx context.Context, l net.Listener, h http.Handler, end func(context.Context) error) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: nil}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case <-ctx.Done():
	case err := <-done:
		return err
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := end(stop)
	if serr := srv.Shutdown(stop); serr != nil {
		_ = srv.Close()
	}
	<-done
	return err
}
