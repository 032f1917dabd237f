package controller

import (
	"cmp"
	"fmt"
	"slices"

	"busbar/loadbalance"
)

type alarmKey struct{ code, subject string }

// logKept is how many lines of the event log a Snapshot shows.
const logKept = 100

// raise sets an alarm; it stays until clear. Raising again only updates its words.
func (s *Site) raise(code, subject string, sev Severity, text, remedy string) {
	key := alarmKey{code, subject}
	if a := s.alarms[key]; a != nil {
		a.Text, a.Remedy = text, remedy
		return
	}
	s.alarms[key] = &Alarm{Code: code, Severity: sev, Subject: subject, Text: text, Remedy: remedy, Since: s.now}
	s.note(sev, code, subject, text)
	s.stir()
}

func (s *Site) clear(code, subject string) {
	key := alarmKey{code, subject}
	if s.alarms[key] == nil {
		return
	}
	delete(s.alarms, key)
	s.note(SeverityInfo, code+".cleared", subject, "cleared")
	s.stir()
}

// note adds a line to the event log, in memory and in the journal.
func (s *Site) note(sev Severity, code, subject, text string) {
	s.noteThen(nil, sev, code, subject, text)
}

// noteThen goes on with then once the line is durable, or at once where the journal has
// failed and nothing will be.
func (s *Site) noteThen(then func(), sev Severity, code, subject, text string) {
	e := LogEntry{At: s.now, Severity: sev, Code: code, Subject: subject, Text: text}
	if len(s.log) >= 2*logKept {
		s.log = slices.Clone(s.log[len(s.log)-logKept:])
	}
	s.log = append(s.log, e)
	switch {
	case s.journalErr == "":
		s.persist(then, EventRow{Entry: e})
	case then != nil:
		then()
	}
}

// balancerAlarms turns the findings of a pass into alarms that clear themselves.
func (s *Site) balancerAlarms(plan loadbalance.Plan) {
	seen := map[alarmKey]bool{}
	for _, a := range plan.Alarms {
		if isStation(a.Node) {
			continue // no fuse; its supply says the same
		}
		code, subject, sev, text, remedy := alarmWords(a)
		seen[alarmKey{code, subject}] = true
		if s.alarms[alarmKey{code, subject}] == nil {
			s.incident(a.Kind)
		}
		s.raise(code, subject, sev, text, remedy)
	}
	for _, kind := range balancerAlarmKinds {
		code := alarmCode(kind)
		for key := range s.alarms {
			if key.code == code && !seen[key] {
				s.clear(key.code, key.subject)
			}
		}
	}
}

var balancerAlarmKinds = [...]loadbalance.AlarmKind{loadbalance.AlarmMeterLost, loadbalance.AlarmMeterFrozen,
	loadbalance.AlarmOverload, loadbalance.AlarmDisobedience, loadbalance.AlarmFailsafeSum}

func alarmCode(k loadbalance.AlarmKind) string {
	switch k {
	case loadbalance.AlarmMeterLost:
		return "meter.lost"
	case loadbalance.AlarmMeterFrozen:
		return "meter.frozen"
	case loadbalance.AlarmOverload:
		return "node.overload"
	case loadbalance.AlarmDisobedience:
		return "connector.disobedience"
	case loadbalance.AlarmFailsafeSum:
		return "node.failsafe-sum"
	}
	panic("controller: unknown finding of the balancer")
}

func alarmWords(a loadbalance.Alarm) (code, subject string, sev Severity, text, remedy string) {
	code, subject = alarmCode(a.Kind), string(a.Node)
	switch a.Kind {
	case loadbalance.AlarmMeterLost:
		return code, subject, SeverityAlarm, fmt.Sprintf("The meter of %s gives no values: chargers are at their fail-safe current.", a.Node),
			"Check the meter's power, its network cable and its address."
	case loadbalance.AlarmMeterFrozen:
		return code, subject, SeverityAlarm, fmt.Sprintf("The meter of %s repeats the same values: chargers are at their fail-safe current.", a.Node),
			"Restart the meter or its gateway."
	case loadbalance.AlarmOverload:
		return code, subject, SeverityWarning, fmt.Sprintf("More current than the fuse of %s is made for.", a.Node),
			"Chargers are being reduced. If it stays, the building itself draws too much."
	case loadbalance.AlarmDisobedience:
		subject = fmt.Sprint(a.Slot)
		return code, subject, SeverityWarning, fmt.Sprintf("Connector %d draws more than it was given.", a.Slot),
			"Its excess is taken from the others. Check the charger's smart charging settings, or take it out of service."
	case loadbalance.AlarmFailsafeSum:
		return code, subject, SeverityAlarm, fmt.Sprintf("The fail-safe currents below %s and the worst building load exceed its fuse.", a.Node),
			"Set failsafe_a of some chargers to 0, or lower worst_base_a if it is too high."
	}
	panic("controller: unknown finding of the balancer")
}

func (s *Site) activeAlarms() []Alarm {
	out := make([]Alarm, 0, len(s.alarms))
	for _, a := range s.alarms {
		out = append(out, *a)
	}
	rank := map[Severity]int{SeverityAlarm: 0, SeverityWarning: 1, SeverityInfo: 2}
	slices.SortFunc(out, func(a, b Alarm) int {
		return cmp.Or(rank[a.Severity]-rank[b.Severity], a.Since.Compare(b.Since), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject))
	})
	return out
}
