package controller

import (
	"fmt"
	"time"

	"busbar/loadbalance"
)

// Site is the domain's state. It is owned by the Loop; nothing in it may be touched by
// anyone else.
type Site struct {
	cfg      SiteConfig
	now      time.Time // of the Step that runs
	effects  []Effect  // of the Step that runs
	started  bool
	bootAt   time.Time
	stirred  bool
	siteInfo siteInfo

	balancer  *loadbalance.Balancer
	nodes     []loadbalance.Node
	meters    []*meter // configuration order
	input     loadbalance.Input
	plan      []loadbalance.NodeState
	passDue   bool // something changed; the next pass may wait for passEvery
	passNow   bool // a reading came, or a supply changed: the next pass may not wait
	sampled   bool // a reading came
	lastPass  time.Time
	answersTo time.Time // the reading that the running pass was made for, if one was
	wakeAt    time.Time // earliest time anything asked for
	timersRan time.Time
	timersDue time.Time // earliest time the timers asked for
	sweptAt   time.Time
	planWake  time.Time
	setpoints int // changes of setpoints since start

	slots    []*slot // index is Slot-1
	stations map[StationID]*station
	order    []*station // configuration order, adopted ones at the end
	waiting  map[StationID]*waiting

	txs    map[TxID]*transaction // open ones, and ended ones of the last 30 days
	due    map[TxID]*transaction // those the cloud has not heard all of
	starts map[startKey]TxID     // for de-duplication
	// chargerTxs finds transactions of 2.x chargers by their own ids.
	chargerTxs map[chargerTxKey]TxID
	nextTx     TxID
	txStarted  int

	seq     Seq
	commits []commitWait // oldest first
	// journalErr is sticky: after a failed write nothing is acknowledged any more.
	journalErr string

	uplink   uplink
	asks     map[uint64]*ask
	lookups  map[uint64]*lookup
	nextAsk  uint64
	ops      map[OpID]*operation
	nextOp   OpID
	supplies []*supply
	settings map[string]string
	profiles []*siteProfile
	garage   garage
	planning planning
	forecast forecast
	peak     peak
	resetAt  time.Time

	alarms    map[alarmKey]*Alarm
	incidents incidents
	log       []LogEntry
}

// SiteConfig is what a Site is made of.
type SiteConfig struct {
	Layout    Layout
	Recovered Recovered
	Demo      bool
	// Plan has somebody make plans: PlanWanted is carried out and PlanMade comes back.
	Plan bool
	// Record keeps recordings of the balancer around alarms (KeepIncident).
	Record bool
}

type siteInfo struct{ id, name string }

// commitWait is what happens once the journal has everything up to seq.
type commitWait struct {
	seq  Seq
	then func()
}

// NewSite makes a Site from its layout and what the journal remembers. It fails if
// the tree of fuses is not one.
func NewSite(cfg SiteConfig) (*Site, error) {
	s := &Site{
		cfg:      cfg,
		siteInfo: siteInfo{id: cfg.Layout.ID, name: cfg.Layout.Name},
		stations: map[StationID]*station{},
		waiting:  map[StationID]*waiting{},
		txs:      map[TxID]*transaction{},
		due:      map[TxID]*transaction{},
		starts:   map[startKey]TxID{},
		nextTx:   cfg.Recovered.NextTx,
		asks:     map[uint64]*ask{},
		lookups:  map[uint64]*lookup{},
		ops:      map[OpID]*operation{},
		settings: defaultSettings(), chargerTxs: map[chargerTxKey]TxID{},
		alarms: map[alarmKey]*Alarm{},
	}
	s.garage = newGarage(&s.cfg.Layout)
	s.uplink.state = UplinkOff
	if cfg.Layout.Uplink.Station != "" {
		s.uplink.state = UplinkDisconnected
	}
	if err := s.wire(cfg.Layout); err != nil {
		return nil, err
	}
	s.recover(cfg.Recovered)
	return s, nil
}

// Step takes one event and says what is to be done about it. now must not go back.
// The returned slice is valid until the next Step.
func (s *Site) Step(now time.Time, ev Event) []Effect {
	s.begin(now)
	s.dispatch(ev)
	s.timers()
	s.control()
	if !s.wakeAt.IsZero() {
		s.do(Wake{At: s.wakeAt})
	}
	return s.effects
}

// begin opens a Step. The first one tells the journal about slots that are new.
func (s *Site) begin(now time.Time) {
	if now.After(s.now) {
		s.now = now
	}
	s.effects = s.effects[:0]
	s.wakeAt = time.Time{}
	if !s.started {
		s.started = true
		s.bootAt = s.now
		s.commission()
	}
}

func (s *Site) dispatch(ev Event) {
	switch ev := ev.(type) {
	case ChargerConnected:
		s.chargerConnected(ev)
	case ChargerGone:
		s.chargerGone(ev)
	case ChargerHeard:
		s.chargerHeard(ev)
	case Booted:
		s.booted(ev)
	case StatusReported:
		s.statusReported(ev)
	case AuthorizeAsked:
		s.authorizeAsked(ev)
	case TxStarted:
		s.txStart(ev)
	case TxStopped:
		s.txStop(ev)
	case TxReported:
		s.txReported(ev)
	case MeterReported:
		s.meterReported(ev)
	case LimitAnswered:
		s.limitAnswered(ev)
	case FailsafeAnswered:
		s.failsafeAnswered(ev)
	case BaselinePushed:
		s.baselinePushed(ev)
	case CommandAnswered:
		s.commandAnswered(ev)
	default:
		if !s.takeLearnt(ev) && !s.takeService(ev) {
			s.dispatchOther(ev)
		}
	}
}

// dispatchOther takes what does not come from a charger.
func (s *Site) dispatchOther(ev Event) {
	switch ev := ev.(type) {
	case UplinkChanged:
		s.uplinkChanged(ev)
	case TokenAnswered:
		s.tokenAnswered(ev)
	case Delivered:
		s.delivered(ev)
	case ParkedLane:
		s.parkedLane(ev)
	case ProofRequested:
		s.proofRequested(ev)
	case ResumedLane:
		s.clear("outbox.parked", fmt.Sprint(ev.Tx))
	case StartRequested:
		s.startRequested(ev)
	case StopRequested:
		s.stopRequested(ev)
	case UnlockRequested:
		s.unlockRequested(ev)
	case AvailabilityRequested:
		s.availabilityRequested(ev)
	case ResetRequested:
		s.resetRequested(ev)
	case ProfileSet:
		s.profileSet(ev)
	case ProfileCleared:
		s.profileCleared(ev)
	case SettingChanged:
		s.settingChanged(ev)
	case CacheCleared:
		s.cacheCleared(ev)
	case SupplyRequested:
		s.supplyRequested(ev)
	case LimitRequested:
		s.limitRequested(ev)
	case DepartureRequested:
		s.departureRequested(ev)
	case ApproveRequested:
		s.approveRequested(ev)
	case Audited:
		s.audited(ev)
	case MeterSampled:
		s.meterSampled(ev)
	case MeterFailed:
		s.meterFailed(ev)
	case Committed:
		s.committed(ev)
	case JournalFailed:
		s.journalFailed(ev)
	case Found:
		s.found(ev)
	case Tick:
	default:
		panic("controller: event without a handler")
	}
}

// do collects an effect of the running Step.
func (s *Site) do(e Effect) { s.effects = append(s.effects, e) }

// answer completes a request; nobody waits under 0.
func (s *Site) answer(id ReplyID, body AnswerBody) {
	if id != 0 {
		s.do(Answer{Reply: id, Body: body})
	}
}

// wake asks for a Tick at t at the latest.
func (s *Site) wake(t time.Time) {
	if !t.IsZero() && (s.wakeAt.IsZero() || t.Before(s.wakeAt)) {
		s.wakeAt = t
	}
}

// persist hands rows to the journal; then runs once they are durable, and never if
// the journal failed: a peer that gets no answer keeps its copy and asks again.
func (s *Site) persist(then func(), rows ...Row) {
	s.seq++
	s.do(Persist{Seq: s.seq, Rows: rows})
	if then != nil {
		s.commits = append(s.commits, commitWait{seq: s.seq, then: then})
	}
}

func (s *Site) committed(ev Committed) {
	n := 0
	for n < len(s.commits) && s.commits[n].seq <= ev.Seq {
		n++
	}
	ready := s.commits[:n:n]
	s.commits = s.commits[n:]
	if len(s.commits) == 0 {
		s.commits = nil
	}
	for _, c := range ready {
		c.then()
	}
}

func (s *Site) journalFailed(ev JournalFailed) {
	s.journalErr = ev.Err
	s.commits = nil
	s.raise("journal.failed", "disk", SeverityAlarm,
		"The database can't be written: "+ev.Err,
		"Charging goes on under the limits, but no transaction is acknowledged. Free disk space or replace the disk, then restart the box.")
}

// stir lets the timers look again before this Step ends.
func (s *Site) stir() { s.stirred = true }
