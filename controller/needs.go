package controller

import (
	"encoding/json"
	"fmt"
	"time"
)

// CarNeeds is what a car has told its charger of its plans (ISO 15118, P2 K15).
type CarNeeds struct {
	Station   StationID
	Connector int
	Departure time.Time // zero: not told
	Energy    WattHour  // still wanted; 0: not told
}

// DepartureRequested tells of the plans of the car at a slot, until its transaction
// ends. All zero: what was told before is forgotten. Answered with CommandAnswer.
type DepartureRequested struct {
	Reply     ReplyID
	Origin    Origin
	Slot      Slot
	Departure time.Time // zero: not told
	Energy    WattHour  // still wanted; 0: not told
	TargetSoC int       // percent; 0: not told
	Battery   WattHour  // for TargetSoC; 0: that of the vehicle
}

func (CarNeeds) event()           {}
func (DepartureRequested) event() {}

// NeedsSource is who told when a car leaves, or what it needs.
type NeedsSource string

// The sources, whom to believe first coming first. Departure and energy are looked for
// each on its own: a car may tell its needs, and a schedule when it leaves.
const (
	NeedsFromCar       NeedsSource = "car"       // ISO 15118
	NeedsFromRequest   NeedsSource = "request"   // of an operator or another system
	NeedsFromVehicle   NeedsSource = "vehicle"   // known by its token
	NeedsFromGroup     NeedsSource = "group"     // of the card
	NeedsFromConnector NeedsSource = "connector" // the place's schedule
	NeedsUnknown       NeedsSource = ""
)

// needs is what was told of the plans of a transaction's car.
type needs struct {
	Departure time.Time `json:"departure,omitzero"`
	// Until is the register when it has what it wants; 0: not known.
	Until WattHour `json:"until,omitempty"`
	// TargetSoC is the percentage it wants of Battery; 0: none.
	TargetSoC int      `json:"target_soc,omitempty"`
	Battery   WattHour `json:"battery,omitempty"`
}

// told is what was told of the plans of a transaction's car, by whom; it is kept over
// restarts of the box.
type told struct {
	Tx      TxID  `json:"tx"`
	Car     needs `json:"car"`
	Request needs `json:"request"`
}

// toldPrefix begins the names of the states that told is kept under, by slot.
const toldPrefix = "needs/"

func (s *Site) carNeeds(ev CarNeeds) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	sl := st.slotAt(ev.Connector)
	if sl == nil || sl.tx == nil {
		return // plans are of a session
	}
	n := needs{}
	if ev.Departure.After(s.now) {
		n.Departure = ev.Departure
	}
	if ev.Energy > 0 {
		n.Until = sl.tx.row.LastRegister + ev.Energy
	}
	sl.tx.told.Car = n
	s.keepTold(sl, nil)
}

func (s *Site) departureRequested(ev DepartureRequested) {
	refuse := func(why string) { s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: why}) }
	sl := s.slotBy(ev.Slot)
	if sl == nil || sl.tx == nil {
		refuse("no transaction is running on the connector")
		return
	}
	n := needs{Departure: ev.Departure, TargetSoC: ev.TargetSoC, Battery: ev.Battery}
	if ev.Energy > 0 {
		n.Until = sl.tx.row.LastRegister + ev.Energy
	}
	if v := s.garage.vehicle(sl.tx.row.Token); n.Battery == 0 && v != nil {
		n.Battery = v.Battery
	}
	switch {
	case !ev.Departure.IsZero() && (!ev.Departure.After(s.now) || ev.Departure.Sub(s.now) > longestStay):
		refuse(fmt.Sprintf("the departure must lie in the future, at most %v ahead", longestStay))
	case ev.TargetSoC > 0 && n.Battery <= 0:
		refuse("the capacity of the battery is not known: send it too, add the vehicle to the configuration, or send the energy")
	case ev.TargetSoC > 0 && ev.Energy > 0:
		refuse("both an energy and a state of charge are wanted")
	default:
		sl.tx.told.Request = n
		s.note(SeverityInfo, "connector.departure", fmt.Sprint(sl.number), n.words(sl.tx.row.LastRegister))
		s.keepTold(sl, func() { s.answer(ev.Reply, CommandAnswer{Status: "Accepted"}) })
	}
}

// longestStay bounds how far ahead a departure may be.
const longestStay = 14 * 24 * time.Hour

// words is what was told, for the event log.
func (n needs) words(register WattHour) string {
	if n.Departure.IsZero() && n.Until == 0 && n.TargetSoC == 0 {
		return "what was told of the car's departure and needs is forgotten"
	}
	text := "the car"
	if !n.Departure.IsZero() {
		text += " leaves " + n.Departure.UTC().Format(time.RFC3339)
	}
	if !n.Departure.IsZero() && (n.Until > 0 || n.TargetSoC > 0) {
		text += " and"
	}
	if n.Until > 0 {
		text += fmt.Sprintf(" wants %d Wh", n.Until-register)
	}
	if n.TargetSoC > 0 {
		text += fmt.Sprintf(" wants to be at %d %%", n.TargetSoC)
	}
	return text
}

// keepTold writes down what was told of a slot's car.
func (s *Site) keepTold(sl *slot, then func()) {
	sl.tx.told.Tx = sl.tx.id
	text, err := json.Marshal(sl.tx.told)
	if err != nil {
		panic("controller: needs of plain values can't be encoded: " + err.Error())
	}
	s.persist(then, SettingRow{Key: toldPrefix + fmt.Sprint(sl.number), Value: string(text)})
	s.passDue, s.planning.due = true, true
	s.stir()
}

// recoverTold takes back what was told of the cars that still charge.
func (s *Site) recoverTold(settings map[string]string) {
	for _, sl := range s.slots {
		var t told
		text := settings[toldPrefix+fmt.Sprint(sl.number)]
		if sl.tx != nil && text != "" && json.Unmarshal([]byte(text), &t) == nil && t.Tx == sl.tx.id {
			sl.tx.told = t
		}
	}
}

// outlook is what is known of the plans of a slot's car.
type outlook struct {
	departure time.Time // zero: unknown
	energy    WattHour  // still wanted; 0: unknown, or it has what it wanted
	satisfied bool      // it has what it wanted
	leavesBy  NeedsSource
	needsBy   NeedsSource
	vehicle   *VehicleLayout // nil: unknown
}

// lateness is how long after its time a car counts as about to leave; then it is
// expected to leave at the next time.
const lateness = time.Hour

// outlook asks the sources one after the other.
func (s *Site) outlook(sl *slot) (o outlook) {
	t := sl.tx
	if t == nil {
		return o
	}
	o.tell(NeedsFromCar, t.told.Car, sl)
	o.tell(NeedsFromRequest, t.told.Request, sl)
	if o.vehicle = s.garage.vehicle(t.row.Token); o.vehicle != nil {
		s.expect(&o, NeedsFromVehicle, &o.vehicle.Expected, sl)
	}
	info := t.info
	if info == nil {
		info = t.answered
	}
	if g := s.garage.group(t.row.Token, info); g != nil {
		s.expect(&o, NeedsFromGroup, &g.Expected, sl)
	}
	s.expect(&o, NeedsFromConnector, &sl.layout.Expected, sl)
	return o
}

// tell takes what one source was told.
func (o *outlook) tell(by NeedsSource, n needs, sl *slot) {
	if o.leavesBy == NeedsUnknown && !n.Departure.IsZero() {
		o.departure, o.leavesBy = n.Departure, by
	}
	if n.Until > 0 {
		o.want(by, n.Until-sl.tx.row.LastRegister)
	} else if still, ok := sl.toSoC(n.TargetSoC, n.Battery); ok {
		o.want(by, still)
	}
}

// expect takes what is expected where nobody told.
func (s *Site) expect(o *outlook, by NeedsSource, e *Expected, sl *slot) {
	row := &sl.tx.row
	if o.leavesBy == NeedsUnknown && len(e.Leaves) > 0 {
		if next := e.Leaves.Next(later(sl.tx.createdAt, s.now.Add(-lateness)), s.zone()); !next.IsZero() {
			o.departure, o.leavesBy = next, by
		}
	}
	battery := WattHour(0)
	if o.vehicle != nil {
		battery = o.vehicle.Battery
	}
	if still, ok := sl.toSoC(e.TargetSoC, battery); ok {
		o.want(by, still)
	} else if e.Energy > 0 {
		o.want(by, e.Energy-(row.LastRegister-row.MeterStart))
	}
}

// want takes the energy that is still wanted, unless somebody ahead knows.
func (o *outlook) want(by NeedsSource, still WattHour) {
	if o.needsBy != NeedsUnknown {
		return
	}
	o.needsBy, o.energy, o.satisfied = by, max(still, 0), still <= 0
}

// toSoC is the energy to a state of charge, from what the car told of its own last and
// the register since; false if it can't be known.
func (sl *slot) toSoC(target int, battery WattHour) (WattHour, bool) {
	if target <= 0 || battery <= 0 || sl.soc < 0 {
		return 0, false
	}
	return battery*WattHour(target-sl.soc)/100 - (sl.tx.row.LastRegister - sl.socRegister), true
}
