package controller

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"busbar/loadbalance"
)

// slot is one connector at run time.
type slot struct {
	number     Slot
	upEVSE     int
	upConn     int
	epoch      int
	state      SlotState
	station    *station // nil while vacant
	layout     ConnectorLayout
	node       loadbalance.NodeID
	wires      wires      // of the connector
	status     SlotStatus // as the charger reports it
	statusAt   time.Time  // when it became that, by the box's clock; zero: before the box started
	heardOn    uint64     // connection of the charger on which it last told its status
	tx         *transaction
	open       []*transaction // tx, and older ones whose Stop may still come
	stopsDue   int            // ended here, but the cloud has not acknowledged the Stop
	pending    *pendingStart
	lim        limits
	measured   loadbalance.PerPhase
	measuredAt time.Time
	proof      *proof // the test of the fall-back that runs, if any
	register   WattHour
	soc        int
	// socRegister is the transaction's register when soc was told.
	socRegister WattHour
	reported    SlotStatus // what the cloud was last told
	everTold    bool
	setpoint    loadbalance.Setpoint // of the last pass
	operator    operatorLimit
	expectedAt  time.Time // a car was let in; zero: none
	lastRule    string    // of the last Authorize at this charger
	lastToken   IDToken
	inoperable  bool // the cloud or an operator took it out of service
	// Of a 2.x charger: a car is there, its transaction has ended, and the energy flow.
	occupied, finished bool
	charging2          ChargingState
}

type operatorLimit struct {
	limit loadbalance.MilliAmp
	until time.Time // zero: until lifted
	set   bool
	test  bool // of the charger, which is to find out whether 0 A pauses it
}

// station is one charger at run time.
type station struct {
	id         StationID
	node       loadbalance.NodeID
	failsafe   loadbalance.MilliAmp
	installed  int32 // fall-back the charger accepted, mA; -1 none
	slots      []*slot
	online     bool
	generation uint64
	booted     bool // Boot accepted, now or in an earlier life of the box
	prepared   bool // fall-back and keys sent on this socket
	protocol   string
	remote     string
	info       ChargerInfo
	since      time.Time // of being (not) online
	lastHeard  time.Time
	fault      SlotStatus // of connector 0
	retryAt    time.Time  // next try to install the fall-back
	learnt     learnt
	service    service
	held       []*heldTx // transactions of a 2.x charger that can't begin yet
	outside    []OutsideLimit
}

// waiting is an unknown charger at the door.
type waiting struct {
	generation uint64
	protocol   string
	remote     string
	info       ChargerInfo
	since      time.Time
}

type meter struct {
	layout  MeterLayout
	current loadbalance.PerPhase
	power   Watt
	at      time.Time
	period  time.Duration
	err     string
}

// maxWaiting bounds how many unknown chargers are remembered (decision 25).
const maxWaiting = 32

// wire builds the tree, the meters and the configured chargers.
func (s *Site) wire(l Layout) error {
	s.nodes = append(s.nodes, l.Nodes...)
	s.wireSupplies(l)
	for i := range s.nodes {
		if n := &s.nodes[i]; l.Tariff.Peak.Limit > 0 && n.Parent == "" && n.Power == 0 {
			// More than its fuse carries: a limit of power is kept exactly where there is a figure.
			n.Power = int64(n.Limit[0]+n.Limit[1]+n.Limit[2]) / 1000 * int64(max(1, l.NominalV)) * 2
		}
	}
	b, err := loadbalance.NewBalancer(s.balancing())
	if err != nil {
		return fmt.Errorf("cannot use the tree of circuits: %w", err)
	}
	s.balancer = b
	for _, m := range l.Meters {
		s.meters = append(s.meters, &meter{layout: m, period: m.Period})
	}
	return nil
}

// balancing is what the balancer is made for, and its recordings.
func (s *Site) balancing() loadbalance.Config {
	return loadbalance.Config{Nodes: s.nodes, Policy: s.cfg.Layout.Policy}
}

// recover takes over what the journal remembers, then adds what the configuration
// has and the journal has not.
func (s *Site) recover(r Recovered) {
	maps.Copy(s.settings, r.Settings)
	for _, row := range r.Slots {
		s.growTo(row.Slot)
		sl := s.slots[row.Slot-1]
		sl.state, sl.upEVSE, sl.upConn, sl.epoch = row.State, row.UpEVSE, row.UpConnector, row.Epoch
		sl.layout.Number = row.Connector
		sl.status.VendorID = ""
		sl.station = &station{id: row.Station} // replaced below if still configured
	}
	for _, c := range s.chargersOf(r) {
		s.addCharger(c)
	}
	for _, sl := range s.slots {
		if sl.station != nil && s.stations[sl.station.id] == nil {
			sl.state, sl.station = SlotVacant, nil
		}
	}
	s.recoverStations(r)
	s.recoverTransactions(r)
	s.recoverHeld(r.Settings)
	s.recoverOutside(r.Settings)
	s.recoverTold(r.Settings)
	s.recoverSupplies()
	s.recoverForecast()
	s.recoverPeak()
	for _, st := range r.Statuses {
		if st.Slot >= 1 && int(st.Slot) <= len(s.slots) {
			s.slots[st.Slot-1].status = st
		}
	}
	for _, p := range r.Profiles {
		s.profiles = append(s.profiles, &siteProfile{slot: p.Slot, Profile: p.Profile})
	}
	for _, sl := range s.slots {
		sl.inoperable = s.settings[availabilityKey(sl.number)] == "inoperative"
	}
}

// chargersOf is the configured chargers and those let in at the door.
func (s *Site) chargersOf(r Recovered) []ChargerLayout {
	all := slices.Clone(s.cfg.Layout.Chargers)
	for key, text := range r.Settings {
		if !strings.HasPrefix(key, adoptedPrefix) {
			continue
		}
		var c ChargerLayout
		if err := json.Unmarshal([]byte(text), &c); err == nil && !slices.ContainsFunc(all, func(o ChargerLayout) bool { return o.Station == c.Station }) {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all[len(s.cfg.Layout.Chargers):], func(a, b ChargerLayout) int { return strings.Compare(string(a.Station), string(b.Station)) })
	return all
}

const adoptedPrefix = "adopted/"

func (s *Site) recoverStations(r Recovered) {
	for _, row := range r.Stations {
		if st := s.stations[row.Station]; st != nil {
			st.installed = row.FailsafeInstalled
			st.info, st.protocol, st.lastHeard = row.Info, row.Protocol, row.LastSeen
			st.booted = true
		}
	}
	for id, a := range RecoveredAbilities(r) {
		if st := s.stations[id]; st != nil {
			st.learnt.abilities = a
		}
	}
}

func (s *Site) growTo(n Slot) {
	for len(s.slots) < int(n) {
		number := Slot(len(s.slots) + 1)
		s.slots = append(s.slots, &slot{number: number, state: SlotVacant, upEVSE: int(number), upConn: 1, soc: -1,
			status: SlotStatus{Slot: number, Status: StatusUnavailable, ErrorCode: NoError}})
	}
}

// addCharger binds a charger's connectors to their slots, new numbers at the end
// (ocpp-gateway N1 to N3).
func (s *Site) addCharger(c ChargerLayout) *station {
	st := &station{id: c.Station, node: s.below(c.Node), failsafe: c.Failsafe, installed: -1, learnt: learnt{abilities: UsualAbilities()}}
	s.stations[c.Station] = st
	s.order = append(s.order, st)
	for _, conn := range c.Connectors {
		sl := s.slotFor(c.Station, conn)
		sl.station, sl.layout, sl.node, sl.state = st, conn, st.node, SlotActive
		sl.layout.Slot, sl.wires = sl.number, s.wires(st.node, conn.phaseSet())
		st.slots = append(st.slots, sl)
	}
	return st
}

func (s *Site) slotFor(id StationID, conn ConnectorLayout) *slot {
	for _, sl := range s.slots {
		if sl.station != nil && sl.station.id == id && sl.layout.Number == conn.Number {
			return sl
		}
	}
	number := Slot(len(s.slots) + 1)
	if conn.Slot > 0 && (int(conn.Slot) > len(s.slots) || s.slots[conn.Slot-1].station == nil) {
		number = conn.Slot
	}
	s.growTo(number)
	return s.slots[number-1]
}

// commission tells the journal about the slots as they now are.
func (s *Site) commission() {
	known := map[Slot]SlotRow{}
	for _, row := range s.cfg.Recovered.Slots {
		known[row.Slot] = row
	}
	var rows []Row
	for _, sl := range s.slots {
		if row := sl.row(); known[sl.number] != row {
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 {
		s.persist(nil, rows...)
	}
	for _, st := range s.order {
		st.since = s.now
	}
	for _, sl := range s.slots {
		if sl.tx != nil {
			// A lease of the life before may still run: booked at the hardware's maximum
			// until the charger has acknowledged a new one.
			sl.lim = limits{held: sl.layout.Max, heldAt: s.now, leaseUntil: s.now.Add(longestLease), unsure: s.now}
		}
		for _, t := range sl.open {
			if t != sl.tx {
				t.closeAt = s.now.Add(forgottenAfter) // its Stop may be in the charger's queue
			}
		}
	}
	s.passDue = true
}

func (sl *slot) row() SlotRow {
	row := SlotRow{Slot: sl.number, UpEVSE: sl.upEVSE, UpConnector: sl.upConn, Connector: sl.layout.Number, State: sl.state, Epoch: sl.epoch}
	if sl.station != nil {
		row.Station = sl.station.id
	}
	return row
}

// slotAt finds a charger's connector, nil if it has none of that number.
func (st *station) slotAt(connector int) *slot {
	for _, sl := range st.slots {
		if sl.layout.Number == connector {
			return sl
		}
	}
	return nil
}

// slotBy finds a slot by its number towards the cloud.
func (s *Site) slotBy(n Slot) *slot {
	if n < 1 || int(n) > len(s.slots) {
		return nil
	}
	return s.slots[n-1]
}
