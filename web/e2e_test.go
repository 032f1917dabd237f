//go:build e2e

package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"busbar/controller"
)

// tab is a page in a fresh browser, and what its console said.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu       sync.Mutex
	complain []string
}

// openTab starts Chromium ($CHROMIUM, else /usr/bin/chromium) and opens the page. A
// missing browser is a failure. A complaint on the console fails the test.
func openTab(t *testing.T, s *Server, width, height int64, scheme string) *tab {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "/usr/bin/chromium"
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("cannot test the page without Chromium: %v", err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(s.Close)
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	b := &tab{t: t, url: server.URL}
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx = ctx
	b.do(
		chromedp.EmulateViewport(width, height),
		func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return chromedp.Void{}, err
		},
		chromedp.Navigate(server.URL),
	)
	t.Cleanup(b.quiet)
	return b
}

func (b *tab) listen(ev any) {
	var text string
	switch ev := ev.(type) {
	case *cdplog.EventEntryAdded:
		text = fmt.Sprintf("%s %s: %s", ev.Entry.Source, ev.Entry.Level, ev.Entry.Text)
	case *cdpruntime.EventExceptionThrown:
		text = "exception: " + ev.ExceptionDetails.Text
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complain = append(b.complain, text)
}

// quiet fails the test if the console has complaints, e.g. of the content policy.
func (b *tab) quiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complain {
		b.t.Errorf("the console says: %s", c)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a JavaScript expression to become true, also across a reload.
func (b *tab) until(expression string) {
	b.t.Helper()
	poll := chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(15*time.Second), chromedp.WithPollingInterval(50*time.Millisecond))
	for deadline := time.Now().Add(15 * time.Second); ; {
		_, err := chromedp.Run(b.ctx, poll)
		if err == nil {
			return
		}
		if b.ctx.Err() != nil || time.Now().After(deadline) {
			b.t.Fatalf("waiting for %s: %v", expression, err)
		}
	}
}

func (b *tab) screenshot(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

const isLive = `document.documentElement.dataset.link === "live"`

func TestE2ELiveUpdateBecomesVisible(t *testing.T) {
	b := newBox(picture(time.Now()))
	page := openTab(t, rig(b, demo), 1280, 900, "light")
	page.until(isLive)
	next := picture(time.Now())
	next.Connectors[2].Status = controller.StatusCharging
	next.Connectors[2].Tx, next.Connectors[2].Energy = 105, 4200
	next.Alarms = nil
	b.snap.Store(next)
	page.until(`document.getElementById("slot-3").textContent.includes("4.2 kWh")`)
	page.until(`!document.querySelector("#alarms .alarm")`)
}

func TestE2EStructureChangeReloads(t *testing.T) {
	first := picture(time.Now())
	all := first.Connectors
	first.Connectors = all[:2]
	b := newBox(first)
	page := openTab(t, rig(b, demo), 1280, 900, "light")
	page.until(isLive + ` && !document.getElementById("slot-6")`)
	b.snap.Store(picture(time.Now()))
	page.until(`!!document.getElementById("slot-6")`)
}

func TestE2EFaultButton(t *testing.T) {
	s := rig(newBox(picture(time.Now())), demo)
	page := openTab(t, s, 1280, 900, "light")
	page.until(isLive)
	// The button is replaced twice a second; a click goes to whichever is there.
	page.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#faults button").focus()`),
		chromedp.Evaluate[chromedp.Void](`document.querySelector("#faults button").click()`))
	page.until(`document.querySelector("#faults button").getAttribute("aria-pressed") === "true"`)
	page.until(`document.activeElement === document.querySelector("#faults button")`)
	if !s.cfg.Demo.Faults()[0].On {
		t.Error("the fault is not on")
	}
}

// TestE2EFaultButtonWithoutJavaScript: the form leads back to the page.
func TestE2EFaultButtonWithoutJavaScript(t *testing.T) {
	s := rig(newBox(picture(time.Now())), demo)
	page := openTab(t, s, 360, 740, "light")
	page.do(func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}, chromedp.Navigate(page.url), chromedp.Click(chromedp.CSS("#faults button")), chromedp.WaitVisible(chromedp.CSS(`#faults form:first-child button[aria-pressed="true"]`)))
	if !s.cfg.Demo.Faults()[0].On {
		t.Error("the fault is not on")
	}
}

func TestE2EConnectionLostIsSaid(t *testing.T) {
	s := rig(newBox(picture(time.Now())), demo)
	page := openTab(t, s, 1280, 900, "light")
	page.until(isLive)
	s.Close()
	page.until(`document.getElementById("link").textContent.includes("lost")`)
	page.mu.Lock()
	defer page.mu.Unlock()
	for _, c := range page.complain {
		if !strings.Contains(c, "network error") {
			t.Errorf("the console says: %s", c)
		}
	}
	page.complain = nil
}

// TestE2EPageFits: no sideways scrolling from the smallest phone on, touch targets
// are large, in light and dark.
func TestE2EPageFits(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int64
		scheme        string
	}{{"phone-light", 360, 740, "light"}, {"phone-dark", 360, 740, "dark"}, {"desk-light", 1280, 900, "light"}, {"desk-dark", 1280, 900, "dark"}} {
		t.Run(c.name, func(t *testing.T) {
			snap := picture(time.Now())
			snap.Connectors[0].Bay = strings.Repeat("W", 40)
			snap.Connectors[1].Station = controller.StationID(strings.Repeat("long-id.", 6))
			page := openTab(t, rig(newBox(snap), demo, func(cfg *Config) { cfg.Adoption, cfg.Certificates = newDesk(time.Now()), authority{} }), c.width, c.height, c.scheme)
			page.until(isLive)
			page.until(fmt.Sprintf(`document.documentElement.scrollWidth <= %d`, c.width))
			page.until(`[...document.querySelectorAll("button")].every(b => b.getBoundingClientRect().height >= 48)`)
			page.screenshot(c.name)
		})
	}
}

// TestE2EApproveWithoutJavaScript: somebody opens the page, signs in, and lets a charger
// in; it works by forms alone.
func TestE2EApproveWithoutJavaScript(t *testing.T) {
	d, b := newDesk(time.Now()), newBox(picture(time.Now()))
	b.answer = accepting
	page := openTab(t, rig(b, demo, func(c *Config) { c.Adoption = d }), 360, 740, "light")
	page.do(func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}, chromedp.Navigate(page.url+"/sign-in"))
	signIn(page)
	page.do(chromedp.WaitVisible(chromedp.CSS("#waiting .pending")), chromedp.Click(chromedp.CSS(`#waiting .pending button[aria-label^="Approve"]`)), chromedp.WaitNotPresent(chromedp.CSS("#waiting .pending")))
	if got := d.done(); got != "approve NEW 7/a 0 false by the box's own token (admin)" {
		t.Errorf("ordered %q", got)
	}
}

// TestE2EApprove: the same with live updates; without a token the page asks for one.
func TestE2EApprove(t *testing.T) {
	d, b := newDesk(time.Now()), newBox(picture(time.Now()))
	b.answer = accepting
	page := openTab(t, rig(b, demo, func(c *Config) { c.Adoption = d }), 1280, 900, "dark")
	page.until(isLive)
	const approve = `document.querySelector('#waiting .pending button[aria-label^="Approve"]').click()`
	page.do(chromedp.Evaluate[chromedp.Void](approve))
	page.until(`document.body.textContent.includes("needs an access token")`)
	signIn(page)
	page.until(isLive)
	page.do(chromedp.Evaluate[chromedp.Void](approve))
	page.until(`!!document.getElementById("waiting") && !document.querySelector("#waiting .pending")`)
	if got := d.done(); got != "approve NEW 7/a 0 false by the box's own token (admin)" {
		t.Errorf("ordered %q", got)
	}
	page.mu.Lock() // the browser remarks on the 401 of an unsigned order
	defer page.mu.Unlock()
	page.complain = nil
}

// TestE2EUpdatesDisturbNobody: what is unfolded stays so, and a button that is being
// pressed is not replaced by another charger's.
func TestE2EUpdatesDisturbNobody(t *testing.T) {
	d, b := newDesk(time.Now()), newBox(picture(time.Now()))
	page := openTab(t, rig(b, demo, func(c *Config) { c.Adoption, c.Certificates = d, authority{} }), 1280, 900, "light")
	page.until(isLive)
	const approve = `document.querySelector('#waiting .pending button[aria-label^="Approve"]')`
	change := func(name string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.doors.Pending = []PendingCharger{{Charger: name, Profile: 2}}
	}
	page.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#waiting details").open = true`),
		chromedp.Evaluate[chromedp.Void](`window.held = `+approve+`; held.dispatchEvent(new PointerEvent("pointerdown", {bubbles: true}))`))
	change("OTHER")
	next := picture(time.Now())
	next.Log = append(next.Log, controller.LogEntry{At: time.Now(), Severity: controller.SeverityInfo, Code: "box.start", Subject: "box", Text: "seen"})
	b.snap.Store(next) // the log is sent after the chargers at the door
	page.until(`document.getElementById("log").textContent.includes("seen") && document.body.contains(held)`)
	page.do(chromedp.Evaluate[chromedp.Void](`held.dispatchEvent(new PointerEvent("pointerup", {bubbles: true}))`))
	page.until(approve + `.getAttribute("aria-label") === "Approve OTHER" && !document.body.contains(held) && document.querySelector("#waiting details").open`)
}

func signIn(page *tab) {
	page.do(chromedp.WaitVisible(chromedp.CSS(`input[name="token"]`)), chromedp.SendKeys(chromedp.CSS(`input[name="token"]`), "s3cret\r"))
}
