package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"busbar/controller"
	"busbar/controller/appliance"
	"busbar/controller/config"
	"busbar/controller/sitesim"
)

// demoCmd is the box with everything around it simulated.
type demoCmd struct {
	Chargers         int           `default:"12" help:"Simulated chargers, 0 to 200; with 0 your own connect to --ocpp-listen, without a password."`
	OCPP             string        `name:"ocpp" default:"1.6" help:"Versions the chargers speak: 1.6, 2.0.1, or mixed, which is 1.6, 2.0.1 and 2.1 by turns."`
	Upstream         string        `default:"1.6" help:"Version the cloud speaks: 1.6."`
	UI               string        `name:"ui" placeholder:"127.0.0.1:8080" help:"Where the page listens; loopback only. Without it the next free port from 8080 on."`
	OCPPListen       string        `name:"ocpp-listen" placeholder:"127.0.0.1:8887" help:"Where chargers connect; loopback only. Without it the next free port from 8887 on."`
	For              time.Duration `help:"End after this time, with exit code 1 if an invariant broke. Without it: until Ctrl-C."`
	Report           string        `help:"Write the report as JSON to this file at the end."`
	Data             string        `help:"Keep the data in this folder; without it in a temporary one that is removed."`
	Token            string        `help:"Bearer token for writes over HTTP other than the fault buttons."`
	Seed             int64         `default:"1" help:"Cars and loads of another seed differ."`
	Fault            []Fault       `sep:"none" help:"Make something go wrong: NAME[:ARG]@FROM[-TO], such as cloud-cut@20s-60s. Names: cloud-cut, meter-freeze, meter-loss, charger-kill:ID, base-step:AMPS. Repeatable."`
	UpstreamURL      string        `name:"upstream-url" help:"A cloud of your own, ws://… (/ and the station's id are appended), or none."`
	UpstreamID       string        `name:"upstream-id" help:"The station's id at your own cloud."`
	UpstreamPassword string        `name:"upstream-password" help:"Its password for Basic auth."`
	Meter            string        `help:"A meter of your own: tcp://host:port/unit?model=eastron_sdm630."`
}

// Run lives until the time is over or the user has seen enough.
func (c demoCmd) Run(ctx context.Context, con console) error {
	if err := c.check(); err != nil {
		return err
	}
	ports := &ports{reserved: map[string]net.Listener{}}
	defer ports.close()
	env, err := c.environment(ports)
	if err != nil {
		return err
	}
	dir, remove, err := c.dataFolder()
	if err != nil {
		return err
	}
	defer remove()
	env.DataDir = dir
	lines := &teller{out: con.Out, start: time.Now()}
	env.Tell = lines.say
	env.Logger = slog.New(slog.NewTextHandler(con.Err, &slog.HandlerOptions{Level: slog.LevelError}))
	w, err := sitesim.New(ctx, c.scenario(), env)
	if err != nil {
		if _, ok := errors.AsType[config.Problems](err); ok {
			return badInput(err.Error(), "")
		}
		return err
	}
	fmt.Fprintf(con.Out, "Busbar demo: %d chargers behind a main fuse, one station towards the cloud.\nPage:     http://%s\nChargers: ws://%s/ocpp/<id>\n", c.Chargers, env.UI, env.Chargers)
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	var wg sync.WaitGroup
	watch, stop := context.WithCancel(ctx)
	wg.Go(func() { lines.watch(watch, w) })
	err = w.Run(ctx)
	stop()
	wg.Wait()
	if err != nil {
		return err
	}
	return c.finish(con, w)
}

// finish writes the report and judges.
func (c demoCmd) finish(con console, w *sitesim.World) error {
	st := w.Final()
	if c.Report != "" {
		text, err := json.MarshalIndent(st, "", "  ")
		if err != nil {
			return fmt.Errorf("cannot encode the report: %w", err)
		}
		if err := os.WriteFile(c.Report, append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("cannot write the report: %w", err)
		}
	}
	fmt.Fprintf(con.Out, "%d transactions started, %d delivered, %d Wh delivered, worst overload %.1f A for %d ms.\n",
		st.TransactionsStarted, st.TransactionsDelivered, st.EnergyWhDelivered, st.WorstOverloadA, st.WorstOverloadMs)
	for _, d := range w.Differences() {
		fmt.Fprintln(con.Err, "ledger:", d)
	}
	violations := w.Violations()
	for _, v := range violations {
		fmt.Fprintln(con.Err, "invariant broken:", v)
	}
	if len(violations) > 0 {
		return fmt.Errorf("%d invariants broke", len(violations))
	}
	return nil
}

// check refuses what can't be done before anything starts.
func (c demoCmd) check() error {
	switch {
	case c.Chargers < 0 || c.Chargers > 200:
		return badInput(fmt.Sprintf("--chargers %d is out of range", c.Chargers), "Write 0 to 200.")
	case !slices.Contains([]sitesim.OCPP{sitesim.OCPP16, sitesim.OCPP201, sitesim.OCPPMixed}, sitesim.OCPP(c.OCPP)):
		return badInput(fmt.Sprintf("--ocpp %q is no choice", c.OCPP), "Write 1.6, 2.0.1 or mixed.")
	case c.Upstream != "1.6":
		return badInput(fmt.Sprintf("--upstream %q: the cloud speaks 1.6 in this version", c.Upstream), "Write --upstream 1.6 or leave it out.")
	case c.For < 0:
		return badInput(fmt.Sprintf("--for %v is in the past", c.For), "Write a time such as 90s.")
	case c.UpstreamURL != "" && c.UpstreamURL != "none" && c.UpstreamID == "":
		return badInput("--upstream-url needs --upstream-id", "Give the id under which your cloud knows this station.")
	case c.UpstreamURL == "" && (c.UpstreamID != "" || c.UpstreamPassword != ""):
		return badInput("--upstream-id and --upstream-password belong to --upstream-url", "Give the address of your cloud, ws://….")
	}
	if c.UpstreamURL != "" && c.UpstreamURL != "none" {
		if u, err := url.Parse(c.UpstreamURL); err != nil || u.Scheme != "ws" || u.Host == "" {
			return badInput(fmt.Sprintf("--upstream-url %q is no WebSocket address", c.UpstreamURL), "Write ws://host:port/path, or none.")
		}
	}
	if c.Meter != "" {
		if m, err := config.ParseMeterURL(c.Meter); err != nil {
			return badInput(fmt.Sprintf("--meter %q: %v", c.Meter, err), "")
		} else if m.Scheme == "tcp" && m.Model == "" {
			return badInput(fmt.Sprintf("--meter %q names no model", c.Meter), "Append such as ?model=eastron_sdm630.")
		}
	}
	for _, f := range c.Fault {
		if f.Name == "charger-kill" && !c.has(f.Arg) {
			return badInput(fmt.Sprintf("fault %q: there is no charger %s", f, f.Arg), "They are CP01, CP02, ….")
		}
	}
	return nil
}

// has tells whether there is a simulated charger of that name.
func (c demoCmd) has(id string) bool {
	for i := range c.Chargers {
		if sitesim.ChargerName(i) == id {
			return true
		}
	}
	return false
}

func (c demoCmd) scenario() sitesim.Scenario {
	sc := sitesim.Scenario{Chargers: c.Chargers, OCPP: sitesim.OCPP(c.OCPP), Seed: c.Seed, BaseSteps: true, NoCloud: c.UpstreamURL == "none"}
	if c.For == 0 { // somebody watches: sessions of minutes
		sc.Sessions = sitesim.Sessions{PlugWithin: 14 * time.Second, Short: 90 * time.Second, Long: 5 * time.Minute, Pause: 30 * time.Second}
	}
	for _, f := range c.Fault {
		sc.Faults = append(sc.Faults, sitesim.Fault{Name: f.Name, Arg: f.Arg, From: f.From, To: f.To})
	}
	return sc
}

func (c demoCmd) environment(p *ports) (sitesim.Env, error) {
	env := sitesim.Env{Network: appliance.Network{Listen: p.listen}, Token: c.Token, Version: readBuild().Version, MeterURL: c.Meter}
	if c.UpstreamURL != "none" {
		env.UpstreamURL, env.UpstreamID, env.UpstreamPassword = c.UpstreamURL, c.UpstreamID, c.UpstreamPassword
	}
	var err error
	if env.UI, err = p.reserve("--ui", c.UI, 8080); err != nil {
		return env, err
	}
	if env.Chargers, err = p.reserve("--ocpp-listen", c.OCPPListen, 8887); err != nil {
		return env, err
	}
	if env.Meter, err = p.reserve("", "127.0.0.1:0", 0); err != nil {
		return env, err
	}
	env.Cloud, err = p.reserve("", "127.0.0.1:0", 0)
	return env, err
}

func (c demoCmd) dataFolder() (dir string, remove func(), err error) {
	if c.Data != "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return "", nil, fmt.Errorf("cannot make the data folder: %w", err)
		}
		return c.Data, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "busbar-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("cannot make a temporary folder: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// ports are listeners opened before the parts that use them know each other.
type ports struct {
	mu       sync.Mutex
	reserved map[string]net.Listener
}

// triedPorts is how many ports from the usual one on are tried.
const triedPorts = 40

// reserve opens addr, or the next free port from first on, and gives its address.
func (p *ports) reserve(flag, addr string, first int) (string, error) {
	if addr != "" {
		ap, err := netip.ParseAddrPort(strings.Replace(addr, "localhost:", "127.0.0.1:", 1))
		if err != nil {
			return "", badInput(fmt.Sprintf("%s %q is no address", flag, addr), "Write such as 127.0.0.1:8080.")
		}
		if !ap.Addr().IsLoopback() {
			return "", badInput(fmt.Sprintf("%s %q can be reached from outside; the demo has no passwords", flag, addr), "Write a loopback address, such as 127.0.0.1:8080.")
		}
		l, err := net.Listen("tcp", ap.String())
		if err != nil {
			return "", badInput(fmt.Sprintf("%s %s can't be used: %v", flag, addr, err), "Choose another port.")
		}
		return p.keep(l), nil
	}
	var last error
	for port := first; port < first+triedPorts; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return p.keep(l), nil
		}
		last = err
	}
	return "", fmt.Errorf("cannot find a free port from %d on: %w", first, last)
}

func (p *ports) keep(l net.Listener) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reserved[l.Addr().String()] = l
	return l.Addr().String()
}

// listen hands a reserved listener over, once.
func (p *ports) listen(addr string) (net.Listener, error) {
	p.mu.Lock()
	l := p.reserved[addr]
	delete(p.reserved, addr)
	p.mu.Unlock()
	if l != nil {
		return l, nil
	}
	return net.Listen("tcp", addr)
}

func (p *ports) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.reserved {
		_ = l.Close()
	}
}

// teller writes what goes on, a few calm lines.
type teller struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
}

func (t *teller) say(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := int(time.Since(t.start).Seconds())
	fmt.Fprintf(t.out, "%02d:%02d  %s\n", s/60, s%60, line)
}

// watch says how the site stands every ten seconds, and what changes between.
func (t *teller) watch(ctx context.Context, w *sitesim.World) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var cloud controller.UplinkState
	alarms := map[string]bool{}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		snap := w.Box().Snapshot()
		if snap.Uplink.State != cloud {
			cloud = snap.Uplink.State
			t.say("cloud: " + string(cloud))
		}
		now := map[string]bool{}
		for _, a := range snap.Alarms {
			key := a.Code + " " + a.Subject
			if now[key] = true; !alarms[key] {
				t.say("alarm: " + a.Text)
			}
		}
		for key := range alarms {
			if !now[key] {
				t.say("cleared: " + key)
			}
		}
		alarms = now
		if n%10 == 9 {
			t.say(summary(snap, w.Box().Status()))
		}
	}
}

func summary(snap *controller.Snapshot, st controller.Status) string {
	charging := 0
	for _, c := range snap.Connectors {
		if c.Tx != 0 {
			charging++
		}
	}
	grid := "no meter"
	if st.GridCurrentA != nil {
		g := *st.GridCurrentA
		grid = fmt.Sprintf("L1 %.0f  L2 %.0f  L3 %.0f of %.0f A", g[0], g[1], g[2], st.GridLimitA[0])
	}
	return fmt.Sprintf("%s · %d charging · %d transactions, %d delivered · outbox %d", grid, charging, st.TransactionsStarted, st.TransactionsDelivered, st.OutboxPending)
}
