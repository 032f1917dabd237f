//go:build e2e

package web

import (
	"fmt"
	"testing"
	"time"

	"busbar/controller"

	"github.com/chromedp/chromedp"
)

// contrast finds the texts of the page whose contrast to what is behind them is below
// WCAG AA (4.5, or 3 for large ones). Colours are painted to read them in sRGB.
const contrast = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return rgba("Canvas");
  };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest("script, noscript") || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(rgba(style.color)), light(behind(e))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    let faded = 1;
    for (let at = e; at; at = at.parentElement) faded *= getComputedStyle(at).opacity;
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5) || faded < 1) poor.push(walk.currentNode.data.trim() + " " + ((a + 0.05) / (b + 0.05)).toFixed(2));
  }
  return [...new Set(poor)].join("; ");
})()`

// unnamed finds controls and pictures without a name, and headings that skip a level.
const unnamed = `(() => {
  const out = [];
  for (const e of document.querySelectorAll("button, a, summary, svg[role=img], section, input:not([type=hidden])"))
    if (!(e.textContent.trim() || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby"))) out.push(e.outerHTML.slice(0, 80));
  let last = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    const level = +h.tagName[1];
    if (level > last + 1) out.push("heading skips: " + h.textContent);
    last = level;
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) out.push("twice: " + id);
  return out.join("; ");
})()`

// TestE2EPageIsReadable: contrast and names, in light and dark, with all tones of
// connectors and fuses shown and the table open.
func TestE2EPageIsReadable(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			snap := picture(time.Now())
			snap.Chargers[2].FailsafeOK = false
			page := openTab(t, rig(newBox(snap), demo), 360, 740, scheme)
			page.until(isLive)
			page.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("details").open = true`))
			for name, script := range map[string]string{"contrast": contrast, "names": unnamed} {
				found, err := chromedp.Run(page.ctx, chromedp.Evaluate[string](script))
				if err != nil {
					t.Fatal(err)
				}
				if found != "" {
					t.Errorf("%s: %s", name, found)
				}
			}
			page.until(`document.documentElement.scrollWidth <= 360`)
			page.screenshot("open-" + scheme)
		})
	}
}

// polyglots are n hostile texts: ways out of text, attribute, tag and comment times
// ways to run something.
func polyglots(n int) []string {
	out := make([]string, 0, n)
	exits := []string{"", `"`, `'`, "`", ">", `">`, `'>`, "-->", "</p>", "</svg>", "</title>", "</textarea>", "</script>", "]]>", "\x00", "\u2028", "&quot;>", `\"`, "</time>", "{{"}
	runs := []string{"<script>pwned=1</script>", "<img src=x onerror=pwned=1>", "<svg onload=pwned=1>", "<iframe srcdoc='<script>parent.pwned=1</script>'>",
		"<details open ontoggle=pwned=1>", "<a href=javascript:pwned=1>x</a>", "<style>*{background:url(//evil.example)}</style>", "<base href=//evil.example>",
		"<meta http-equiv=refresh content='0;url=javascript:pwned=1'>", " autofocus onfocus=pwned=1 x=", "javascript:/*--></title></style>*/pwned=1", "<math><mtext></form><form><mglyph><svg><mtext><style><path id='</style><img onerror=pwned=1 src>'>",
		"<form action=javascript:pwned=1><button>", "<object data=javascript:pwned=1>", "<input onfocus=pwned=1 autofocus>", "<link rel=stylesheet href=//evil.example>"}
	for i := 0; len(out) < n; i++ {
		out = append(out, fmt.Sprintf("%s%s%s%d", exits[i%len(exits)], runs[i/len(exits)%len(runs)], exits[(i/7)%len(exits)], i))
	}
	return out
}

// TestE2EHostileStrings shows 5000 hostile texts where chargers, cloud and files can
// put them, both in the page as loaded and in its live updates.
func TestE2EHostileStrings(t *testing.T) {
	texts, d := polyglots(5000), newDesk(time.Now())
	next := func() string { s := texts[0]; texts = texts[1:]; return s }
	hostile := func() *controller.Snapshot {
		snap := picture(time.Now())
		snap.SiteName, snap.JournalError = next(), next()
		snap.Uplink = controller.UplinkView{Station: next(), Protocol: next(), Detail: next(), State: controller.UplinkDisconnected}
		for i := range snap.Nodes {
			snap.Nodes[i].ID = next()
		}
		for i := range snap.Connectors {
			c := &snap.Connectors[i]
			c.Station, c.Bay, c.Node, c.Token, c.ErrorCode, c.Info = controller.StationID(next()), next(), next(), next(), next(), next()
		}
		for i := range snap.Chargers {
			c := &snap.Chargers[i]
			c.Station, c.Remote, c.Protocol = controller.StationID(next()), next(), next()
			c.Info = controller.ChargerInfo{Vendor: next(), Model: next(), Serial: next(), Firmware: next()}
		}
		for i := range snap.Alarms {
			snap.Alarms[i] = controller.Alarm{Code: next(), Severity: controller.Severity(next()), Subject: next(), Text: next(), Remedy: next()}
		}
		snap.Log = nil
		for range logShown {
			snap.Log = append(snap.Log, controller.LogEntry{Severity: controller.Severity(next()), Code: next(), Subject: next(), Text: next()})
		}
		var doors Doors
		for range 300 {
			doors.Pending = append(doors.Pending, PendingCharger{Charger: next(), Remote: next(), Protocol: next(), Vendor: next(), Model: next(), Serial: next(), Firmware: next()})
		}
		for range refusalsOnPage {
			doors.Refused = append(doors.Refused, RefusedCharger{Charger: next(), Remote: next(), Reason: next(), Remedy: next()})
		}
		d.mu.Lock()
		d.doors = doors
		d.mu.Unlock()
		return snap
	}
	b := newBox(hostile())
	page := openTab(t, rig(b, demo, func(c *Config) { c.Adoption = d }), 1280, 900, "light") // fails on each word of the console
	page.until(isLive)
	last := hostile()
	last.Uplink.Detail = "the last one"
	b.snap.Store(last)
	page.until(`document.getElementById("summary").textContent.includes("the last one")`)
	page.until(`document.getElementById("waiting").querySelectorAll(".pending").length === 300`)
	page.until(`typeof pwned === "undefined"`)
	page.until(`!document.querySelector("main :is(script, img, iframe, style, base, meta, object, link, math, textarea)") && document.querySelectorAll("form").length === 3 + 1 + 2 * 300`)
	if len(texts) > 500 {
		t.Errorf("%d hostile texts were not shown", len(texts))
	}
}
