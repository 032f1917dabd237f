package controller

import (
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/record"
)

// What the balancer is told and decides is recorded all the time; when it finds
// something that threatens a fuse, the recording is kept (`busbar bench balance
// --replay` decides it again).

const (
	// incidentAftermath is how long a recording goes on after what it is kept for.
	incidentAftermath = 30 * time.Second
	// incidentEvery is the least time between two of one cause, so that a flickering alarm
	// fills no disk.
	incidentEvery = 10 * time.Minute
	// settleIn is how long after the start nothing is an incident: meters have to be read
	// for the first time.
	settleIn = 15 * time.Second
)

// incidents decides when the recording is kept.
type incidents struct {
	recorder *record.Recorder // nil: nothing is recorded
	cause    string           // of the one whose aftermath runs; empty: none
	since    time.Time
	last     map[string]time.Time // by cause
}

// KeepIncident hands over the recording around an alarm.
type KeepIncident struct {
	At        time.Time // of the alarm
	Cause     string    // its code, "node.overload"
	Recording record.Recording
}

func (KeepIncident) effect() {}

// balance is one recorded pass of the balancer.
func (s *Site) balance() loadbalance.Plan {
	if !s.cfg.Record {
		return s.balancer.Step(s.now, s.input)
	}
	if s.incidents.recorder == nil {
		s.incidents.recorder = record.New(s.balancing(), s.now)
	}
	s.incidents.recorder.Before(s.balancer, s.now)
	plan := s.balancer.Step(s.now, s.input)
	s.incidents.recorder.After(s.now, s.input, plan)
	return plan
}

// incident notes that a finding of the balancer is worth a recording.
func (s *Site) incident(kind loadbalance.AlarmKind) {
	if kind == loadbalance.AlarmFailsafeSum || s.incidents.cause != "" {
		return // known from the configuration, or in the recording already
	}
	cause := alarmCode(kind)
	if last, kept := s.incidents.last[cause]; s.now.Sub(s.bootAt) < settleIn || kept && s.now.Sub(last) < incidentEvery {
		return
	}
	s.incidents.cause, s.incidents.since = cause, s.now
}

// keepIncident hands the recording over once its aftermath is in it.
func (s *Site) keepIncident() {
	i := &s.incidents
	if i.cause == "" || i.recorder == nil {
		return
	}
	if due := i.since.Add(incidentAftermath); s.now.Before(due) {
		s.wake(due)
		return
	}
	s.do(KeepIncident{At: i.since, Cause: i.cause, Recording: i.recorder.Recording()})
	if i.last == nil {
		i.last = map[string]time.Time{}
	}
	i.last[i.cause] = s.now
	i.cause = ""
}
