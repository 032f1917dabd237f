package controller

import "time"

// CarNeeds is what a car has told its charger of its plans (ISO 15118, P2 K15).
type CarNeeds struct {
	Station   StationID
	Connector int
	Departure time.Time // zero: not told
	Energy    WattHour  // still wanted; 0: not told
}

func (CarNeeds) event() {}

// needs is what is known of the plans of a transaction's car.
type needs struct {
	departure time.Time
	until     WattHour // the register when it has what it wants; 0: not known
}

func (s *Site) carNeeds(ev CarNeeds) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	sl := st.slotAt(ev.Connector)
	if sl == nil || sl.tx == nil {
		return // plans are of a session
	}
	n := &sl.tx.needs
	*n = needs{}
	if ev.Departure.After(s.now) {
		n.departure = ev.Departure
	}
	if ev.Energy > 0 {
		n.until = sl.tx.row.LastRegister + ev.Energy
	}
	s.passDue = true
	s.stir()
}

// wanted are the departure and the energy in Wh that the car still wants; zero where
// that is not known.
func (sl *slot) wanted() (departure time.Time, energy int64) {
	if sl.tx == nil {
		return time.Time{}, 0
	}
	n := &sl.tx.needs
	if n.until > 0 {
		energy = int64(max(0, n.until-sl.tx.row.LastRegister))
	}
	return n.departure, energy
}
