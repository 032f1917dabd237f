package controller

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// learnt is what the chargers' side found out about a charger.
type learnt struct {
	abilities Abilities
	skew      time.Duration
	leaseBad  bool // its clock makes leases worthless
	writesDay time.Time
	writes    int
	budget    int
}

// takeLearnt handles the events of this kind; false if ev is none.
func (s *Site) takeLearnt(ev Event) bool {
	switch ev := ev.(type) {
	case ChargerLearnt:
		s.chargerLearnt(ev)
	case ClockJudged:
		s.clockJudged(ev)
	case ProfilesWritten:
		s.profilesWritten(ev)
	case OutsideLimits:
		s.outsideLimits(ev)
	case CarNeeds:
		s.carNeeds(ev)
	case PlanMade:
		s.planMade(ev)
	default:
		return false
	}
	return true
}

func (s *Site) chargerLearnt(ev ChargerLearnt) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	if mode := ev.Abilities.DeadMan.Mode; mode != st.learnt.abilities.DeadMan.Mode && mode != "" {
		s.note(SeverityInfo, "charger.abilities", string(st.id), fmt.Sprintf("is led by %s profiles from now on", mode))
	}
	st.learnt.abilities = ev.Abilities
	s.fallbackAlarm(st)
	s.pauseAlarm(st)
	text, err := json.Marshal(ev.Abilities)
	if err != nil {
		panic("controller: abilities can't be encoded: " + err.Error()) // plain values
	}
	s.persist(nil, SettingRow{Key: abilitiesPrefix + string(st.id), Value: string(text)})
	s.passDue = true
	s.stir()
}

// fallbackAlarm is raised by a test that found a charger not to fall back, until
// another one finds that it does.
func (s *Site) fallbackAlarm(st *station) {
	if st.learnt.abilities.DeadMan.Result != No {
		s.clear("charger.no-fallback", string(st.id))
		return
	}
	s.raise("charger.no-fallback", string(st.id), SeverityAlarm,
		fmt.Sprintf("Charger %s keeps its current when the box is silent: a test found that it does not fall back by itself.", st.id),
		"Update its firmware and test again with busbar commission, or lower max_a to what the fuses carry.")
}

// pauseAlarm tells that a fall-back of 0 A does not do what it says at a charger that
// can't pause.
func (s *Site) pauseAlarm(st *station) {
	if !st.learnt.abilities.noPause() || st.failsafe > 0 {
		s.clear("charger.no-pause", string(st.id))
		return
	}
	text := fmt.Sprintf("Charger %s ends or fails a session at 0 A, and falls back to 0 A.", st.id)
	if st.learnt.abilities.Pause == PauseStop {
		text = fmt.Sprintf("Charger %s does not obey a limit of 0 A, and falls back to it: it counts with its maximum.", st.id)
	}
	s.raise("charger.no-pause", string(st.id), SeverityWarning, text, "Set failsafe_a to 6 where the fuses carry that, or update the charger's firmware.")
}

const abilitiesPrefix = "abilities/"

// RecoveredAbilities is what the journal remembers of the chargers' abilities.
func RecoveredAbilities(r Recovered) map[StationID]Abilities {
	out := map[StationID]Abilities{}
	for key, text := range r.Settings {
		id, ok := strings.CutPrefix(key, abilitiesPrefix)
		var a Abilities
		if ok && json.Unmarshal([]byte(text), &a) == nil {
			out[StationID(id)] = a
		}
	}
	return out
}

func (s *Site) clockJudged(ev ClockJudged) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	st.learnt.skew, st.learnt.leaseBad = ev.Skew, !ev.LeaseOK
	if ev.LeaseOK {
		s.clear("charger.clock", string(st.id))
	} else {
		s.raise("charger.clock", string(st.id), SeverityWarning,
			fmt.Sprintf("The charger's clock is off by %v, and it takes no profiles without a time: its setpoints may not end by themselves.", ev.Skew.Round(time.Second)),
			"Give the charger a time server, or restart it so that it takes the box's time.")
	}
	s.passDue = true
	s.stir()
}

func (s *Site) profilesWritten(ev ProfilesWritten) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	st.learnt.writesDay, st.learnt.writes, st.learnt.budget = ev.Day, ev.Count, ev.Budget
	if ev.Count > ev.Budget {
		s.raise("charger.writes", string(st.id), SeverityInfo,
			fmt.Sprintf("The charger was given %d charging profiles today, more than the %d that its memory is budgeted for.", ev.Count, ev.Budget),
			"Lower worst_base_a or raise the margins, so that leases last longer; or accept the wear.")
	} else {
		s.clear("charger.writes", string(st.id))
	}
	s.stir()
}

// leases tells whether a setpoint ends by itself on the charger, as far as anything
// speaks against it.
func (l learnt) leases() bool {
	return !l.leaseBad && l.abilities.DeadMan.Mode != DeadManNone && l.abilities.DeadMan.Result != No
}

// view adds what was learnt to a charger's view.
func (l learnt) view(v *ChargerView) {
	v.Abilities, v.ClockSkew, v.LeaseOK = l.abilities, l.skew, !l.leaseBad
	v.ProfileWrites, v.ProfileBudget = l.writes, l.budget
}
