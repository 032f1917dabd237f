package web

import (
	"fmt"
	"strings"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// message is the key of a text. Every text that a viewer reads and that depends on
// a state is looked up by its key, so that another language is another table.
type message string

// language is a table of texts; a text may hold {node}, {phase}, {age}, {amps}, {n}.
type language map[message]string

// text looks a message up and fills its places. A missing one shows its key.
func (l language) text(m message, pairs ...string) string {
	t, ok := l[m]
	if !ok {
		return string(m)
	}
	return strings.NewReplacer(pairs...).Replace(t)
}

// english is the language of the page.
func english() language {
	return language{
		"access.nameless":      "somebody (no identity told)",
		"access.certificate":   "certificate",
		"access.key":           "key of its own",
		"access.key.unproven":  "key of its own, not shown yet",
		"access.none":          "no key",
		"access.configuration": "key of the configuration",
		"access.plain":         "without TLS",
		"access.target":        "on its way to profile {n}",
		"raise.2":              "Move to TLS",
		"raise.3":              "Move to a certificate",
		"access.glass":         "its former key is valid, too",

		"rule.max":          "gets all that cable, charger and car take",
		"rule.share":        "shares what {node} leaves on {phase}",
		"rule.waiting":      "waits: less than {amps} left at {node} {phase}",
		"rule.waiting.some": "waits its turn: less than {amps} left",
		"rule.idle":         "no car, or the car wants nothing",
		"rule.profile":      "limited by a charging profile of the cloud",
		"rule.site-cap":     "limited by the cloud's cap on the whole site",
		"rule.operator":     "limited by an operator",
		"rule.meter-stale":  "no increase: the meter's reading is {age} old",
		"rule.meter-lost":   "meter lost: fail-safe {amps}",
		"rule.falling":      "meter lost: goes to fail-safe {amps}",
		"rule.offline":      "charger out of reach: {amps} kept free for it",
		"rule.offline.idle": "charger out of reach",
		"rule.donor":        "waits until another charger has come down",
		"rule.pacing":       "increases soon, step by step",
		"rule.unresponsive": "does not obey: what it draws is kept free for it",
		"rule.outside":      "limited by another system at the charger",
		"rule.reserve":      "waits: the building's last peaks would leave too little at {node} {phase}",
		"rule.rotation":     "gave its place to a car that waited; next after its turn",
		"rule.plan":         "the plan serves others first, or waits for a better time",

		"status.Available":     "free",
		"status.Preparing":     "preparing",
		"status.Charging":      "charging",
		"status.SuspendedEV":   "paused by the car",
		"status.SuspendedEVSE": "paused, waits for current",
		"status.Finishing":     "finished, still plugged in",
		"status.Reserved":      "reserved",
		"status.Unavailable":   "out of service",
		"status.Faulted":       "fault",
		"status.offline":       "no connection",

		"uplink.off":          "none configured",
		"uplink.disconnected": "not connected",
		"uplink.connected":    "connected, signing in",
		"uplink.pending":      "connected, the cloud asks to wait",
		"uplink.rejected":     "connected, but refused by the cloud",
		"uplink.accepted":     "connected",

		"meter.ok":     "reading {age} old",
		"meter.stale":  "reading {age} old: no increases",
		"meter.lost":   "lost for {age}: chargers at fail-safe",
		"meter.never":  "no reading yet: chargers at fail-safe",
		"meter.frozen": "repeats the same reading: chargers at fail-safe",
		"meter.none":   "from its chargers",

		"fault.ConnectorLockFailure": "the plug's lock fails",
		"fault.EVCommunicationError": "no talk with the car",
		"fault.GroundFailure":        "ground fault",
		"fault.HighTemperature":      "too hot inside",
		"fault.InternalError":        "the charger's own error",
		"fault.LocalListConflict":    "its list of cards is in conflict",
		"fault.OtherError":           "error",
		"fault.OverCurrentFailure":   "overcurrent",
		"fault.OverVoltage":          "voltage too high",
		"fault.PowerMeterFailure":    "its meter fails",
		"fault.PowerSwitchFailure":   "its contactor fails",
		"fault.ReaderFailure":        "its card reader fails",
		"fault.ResetFailure":         "could not reset",
		"fault.UnderVoltage":         "voltage too low",
		"fault.WeakSignal":           "weak radio signal",

		"cleared":                        "over",
		"cleared.meter.lost":             "The meter gives values again.",
		"cleared.meter.frozen":           "The meter's values move again.",
		"cleared.node.overload":          "Within the fuse again.",
		"cleared.node.failsafe-sum":      "The fail-safe currents fit the fuse.",
		"cleared.connector.disobedience": "Obeys again.",
		"cleared.connector.limit":        "Takes limits again.",
		"cleared.connector.fault":        "No fault any more.",
		"cleared.charger.offline":        "Connected again.",
		"cleared.charger.failsafe":       "The fail-safe current is confirmed.",
		"cleared.cloud.down":             "The cloud is reached again.",
		"cleared.outbox.parked":          "Nothing is refused any more.",

		"subject.site":        "site",
		"subject.connector":   "connector {n}",
		"subject.transaction": "transaction {n}",

		"severity.alarm":   "Alarm",
		"severity.warning": "Warning",
		"severity.info":    "Note",
	}
}

// leastCurrent is what a car needs to charge at all (IEC 61851-1).
const leastCurrent = 6 * loadbalance.Amp

// reason is why a connector has its limit, in words.
func (l language) reason(c controller.ConnectorView) string {
	r := c.Reason
	key, current := message("rule."+ruleName(r.Rule)), leastCurrent
	switch r.Rule {
	case loadbalance.RuleMeterLost:
		if current = c.Failsafe; c.Setpoint > c.Failsafe {
			key = "rule.falling"
		}
	case loadbalance.RuleOffline:
		if current = c.Setpoint; current == 0 {
			key = "rule.offline.idle"
		}
	case loadbalance.RuleWaiting:
		if r.Node == "" {
			key = "rule.waiting.some"
		}
	}
	node := circuit(r.Node)
	if node == "" {
		node = "the site"
	}
	return l.text(key, "{node}", node, "{phase}", phaseName(r.Phase), "{age}", age(r.Age), "{amps}", amps(current))
}

// circuit is the id of a fuse that people know, "" for the control's virtual ones:
// no configured id starts with "@".
func circuit(n loadbalance.NodeID) string {
	if strings.HasPrefix(string(n), "@") {
		return ""
	}
	return string(n)
}

// subject is what an alarm or a log line is about.
func (l language) subject(code, s string) string {
	area, _, _ := strings.Cut(strings.TrimPrefix(code, "audit."), ".")
	number := s != "" && strings.Trim(s, "0123456789") == ""
	switch {
	case strings.HasPrefix(s, "@"):
		return l.text("subject.site")
	case number && (area == "connector" || area == "start"):
		return l.text("subject.connector", "{n}", s)
	case number && (area == "tx" || area == "stop" || area == "outbox" || area == "resend"):
		return l.text("subject.transaction", "{n}", s)
	}
	return s
}

// line is what a line of the log says.
func (l language) line(e controller.LogEntry) string {
	of, over := strings.CutSuffix(e.Code, ".cleared")
	if !over {
		return e.Text
	}
	if text, ok := l[message("cleared."+of)]; ok {
		return text
	}
	return l.text("cleared")
}

// fault is an error code of a connector (16§7.6) in words; a foreign one as it is.
func (l language) fault(code string) string {
	if text, ok := l[message("fault."+code)]; ok {
		return text
	}
	return code
}

// kilowatt is a power for people: "37.4 kW".
func kilowatt(p controller.Watt) string { return fmt.Sprintf("%.1f kW", float64(p)/1000) }

// phases is a wiring for people: "L2 L3 L1".
func phases(wiring string) string { return strings.ReplaceAll(wiring, "L", " L")[min(len(wiring), 1):] }

// status is what a connector does, in words.
func (l language) status(c controller.ConnectorView) string {
	if !c.Online {
		return l.text("status.offline")
	}
	return l.text(message("status." + c.Status))
}

// meter is how a node knows its current, in words.
func (l language) meter(n controller.NodeView) string {
	switch {
	case !n.Metered:
		return l.text("meter.none")
	case n.State == "lost" && n.Age <= 0:
		return l.text("meter.never")
	}
	return l.text(message("meter."+n.State), "{age}", age(n.Age))
}

// phaseName is String that stands an unknown phase.
func phaseName(p loadbalance.Phase) string {
	if p > loadbalance.L3 {
		return ""
	}
	return p.String()
}

// amps is a current for people: "6 A", "13.4 A".
func amps(a loadbalance.MilliAmp) string { return number(a) + " A" }

// number is a current without its unit, one decimal where it is not whole.
func number(a loadbalance.MilliAmp) string {
	s := strings.TrimSuffix(a.String(), " A")
	return strings.TrimSuffix(s, ".0")
}

// energy is an energy for people: "840 Wh", "12.4 kWh".
func energy(e controller.WattHour) string {
	if e > -1000 && e < 1000 {
		return fmt.Sprintf("%d Wh", e)
	}
	return fmt.Sprintf("%.1f kWh", float64(e)/1000)
}

// age is a span for people, in its largest unit: "< 1 s", "1.4 s", "12 s", "3 min", "5 h", "2 d".
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "< 1 s" // no flicker of figures that nobody needs
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// lasting is how long a session runs: in minutes, so that a card does not change each
// second.
func lasting(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just started"
	case d < 2*time.Hour:
		return fmt.Sprintf("for %d min", int(d.Minutes()))
	}
	return "for " + age(d)
}

// clock is a moment for people: the time of day, with the date if it is not today.
func clock(at, now time.Time, loc *time.Location) string {
	at, now = at.In(loc), now.In(loc)
	switch {
	case at.YearDay() == now.YearDay() && at.Year() == now.Year():
		return at.Format("15:04:05")
	case at.Year() == now.Year():
		return at.Format("2 Jan 15:04")
	}
	return at.Format("2 Jan 2006")
}

// oneDecimal is a measured current without its unit, always with one decimal, so
// that figures don't jump while they change.
func oneDecimal(a loadbalance.MilliAmp) string { return strings.TrimSuffix(a.String(), " A") }

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// spoken is a gauge for those who can't see it.
func (g gauge) spoken() string {
	if !g.known {
		return fmt.Sprintf("%s not measured, limit %s", g.name, amps(g.setpoint))
	}
	return fmt.Sprintf("%s %s, limit %s", g.name, amps(g.measured), amps(g.setpoint))
}

// spoken is a bar for those who can't see it.
func (b phaseBar) spoken() string {
	if !b.known {
		return fmt.Sprintf("%s unknown, fuse %s", b.name, amps(b.limit))
	}
	return fmt.Sprintf("%s %s of %s, chargers %s", b.name, amps(b.now), amps(b.limit), amps(b.cars))
}

// ruleName is a rule's stable name in the API and the key of its text.
func ruleName(r loadbalance.Rule) string {
	switch r {
	case loadbalance.RuleMax:
		return "max"
	case loadbalance.RuleShare:
		return "share"
	case loadbalance.RuleWaiting:
		return "waiting"
	case loadbalance.RuleIdle:
		return "idle"
	case loadbalance.RuleProfile:
		return "profile"
	case loadbalance.RuleSiteCap:
		return "site-cap"
	case loadbalance.RuleOperator:
		return "operator"
	case loadbalance.RuleMeterStale:
		return "meter-stale"
	case loadbalance.RuleMeterLost:
		return "meter-lost"
	case loadbalance.RuleOffline:
		return "offline"
	case loadbalance.RuleDonor:
		return "donor"
	case loadbalance.RulePacing:
		return "pacing"
	case loadbalance.RuleUnresponsive:
		return "unresponsive"
	case loadbalance.RuleOutside:
		return "outside"
	case loadbalance.RuleReserve:
		return "reserve"
	case loadbalance.RuleRotation:
		return "rotation"
	case loadbalance.RulePlan:
		return "plan"
	}
	panic("web: rule without a name")
}
