package web

import (
	"math"
	"strings"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// The API's own types: what the inside is called and how it changes is not the
// clients' matter. Currents are amperes per phase, L1 to L3; null means unknown.

type statusDTO = controller.Status

type (
	siteDTO struct {
		ID           string     `json:"id"`
		Name         string     `json:"name"`
		At           time.Time  `json:"at"`
		Demo         bool       `json:"demo"`
		Uplink       uplinkDTO  `json:"uplink"`
		Alarms       []alarmDTO `json:"alarms"`
		JournalError string     `json:"journal_error,omitempty"`
		Plan         planDTO    `json:"plan"`
	}
	// planDTO is how planning goes.
	planDTO struct {
		State      string     `json:"state"` // off, waiting, followed or fallback
		At         *time.Time `json:"at"`    // of what it knew; null: none was made
		TookMs     int64      `json:"took_ms"`
		Iterations int        `json:"iterations"`
		Gap        float64    `json:"gap"` // to the best possible one at most, 0 to 1
		Made       int        `json:"made"`
		Failures   int        `json:"failures"`
		Why        string     `json:"why,omitempty"` // there is none to go by
	}
	planStepDTO struct {
		From     time.Time `json:"from"`
		CurrentA float64   `json:"current_a"` // below the least one: for a part of the time
	}
	uplinkDTO struct {
		Station  string     `json:"station"`
		URL      string     `json:"url"`
		Protocol string     `json:"protocol"`
		State    string     `json:"state"`
		Detail   string     `json:"detail"`
		Since    *time.Time `json:"since"`
	}
	alarmDTO struct {
		Code     string    `json:"code"`
		Severity string    `json:"severity"`
		Subject  string    `json:"subject"`
		Text     string    `json:"text"`
		Remedy   string    `json:"remedy"`
		Since    time.Time `json:"since"`
	}
	circuitDTO struct {
		ID        string      `json:"id"`
		Parent    string      `json:"parent"`
		Metered   bool        `json:"metered"`
		State     string      `json:"state"`
		AgeMs     int64       `json:"age_ms"`
		LimitA    [3]float64  `json:"limit_a"`
		MeasuredA *[3]float64 `json:"measured_a"` // null while the meter is lost
		BaseA     [3]float64  `json:"base_a"`
		BookedA   [3]float64  `json:"booked_a"`
		HeadroomA [3]float64  `json:"headroom_a"`
		Supply    *supplyDTO  `json:"supply,omitempty"` // of a circuit without parent whose supply has several states
	}
	meterDTO struct {
		ID       string      `json:"id"`
		Circuit  string      `json:"circuit"`
		At       *time.Time  `json:"at"`
		CurrentA *[3]float64 `json:"current_a"` // null before the first reading
		PowerW   *int64      `json:"power_w"`
		Error    string      `json:"error"`
	}
	chargerDTO struct {
		ID         string     `json:"id"`
		Circuit    string     `json:"circuit"`
		Online     bool       `json:"online"`
		Protocol   string     `json:"protocol"`
		Vendor     string     `json:"vendor"`
		Model      string     `json:"model"`
		Serial     string     `json:"serial"`
		Firmware   string     `json:"firmware"`
		Since      *time.Time `json:"since"`
		LastHeard  *time.Time `json:"last_heard"`
		FailsafeOK bool       `json:"failsafe_ok"`
		Slots      []int      `json:"slots"`
		Jobs       []jobDTO   `json:"jobs"` // firmware updates and log uploads, as last told
	}
	jobDTO struct {
		Job       string    `json:"job"`        // "firmware", "log"
		RequestID int       `json:"request_id"` // -1: not told
		Status    string    `json:"status"`     // in OCPP words
		At        time.Time `json:"at"`
	}
	connectorDTO struct {
		Slot       int         `json:"slot"`
		Charger    string      `json:"charger"`
		Connector  int         `json:"connector"`
		Bay        string      `json:"bay"`
		EVSEID     string      `json:"evse_id"`
		Circuit    string      `json:"circuit"`
		Phases     string      `json:"phases"`
		Online     bool        `json:"online"`
		Operative  bool        `json:"operative"`
		Status     string      `json:"status"`
		StatusText string      `json:"status_text"`
		ErrorCode  string      `json:"error_code"`
		Tx         int64       `json:"transaction"`
		UpTx       string      `json:"upstream_transaction"`
		Token      string      `json:"id_token"` // masked
		Since      *time.Time  `json:"since"`
		EnergyWh   int64       `json:"energy_wh"`
		RegisterWh int64       `json:"register_wh"`
		SetpointA  float64     `json:"setpoint_a"`
		TargetA    float64     `json:"target_a"`
		MaxA       float64     `json:"max_a"`
		FailsafeA  float64     `json:"failsafe_a"`
		LeaseUntil *time.Time  `json:"lease_until"`
		MeasuredA  *[3]float64 `json:"measured_a"` // null until the charger reports in this transaction
		MeasuredAt *time.Time  `json:"measured_at"`
		SoC        *int        `json:"soc_percent"`
		Reason     reasonDTO   `json:"reason"`
		// Departure and needs, null where nothing is known, and who told: car, request,
		// vehicle, group or connector.
		Departure   *time.Time `json:"departure"`
		DepartureBy string     `json:"departure_by"`
		NeedsWh     *int64     `json:"needs_wh"` // still, 0 when it has what it wanted
		NeedsBy     string     `json:"needs_by"`
		Vehicle     string     `json:"vehicle"`
		// Planned is the connector's part of the plan that is followed, empty without one;
		// PlanRank its place in the order, 0: none.
		Planned  []planStepDTO `json:"planned"`
		PlanRank int           `json:"plan_rank"`
	}
	reasonDTO struct {
		Rule    string `json:"rule"`
		Circuit string `json:"circuit,omitempty"`
		Phase   string `json:"phase,omitempty"`
		AgeMs   int64  `json:"age_ms,omitempty"`
		Text    string `json:"text"`
	}
	transactionDTO struct {
		ID         int64      `json:"id"`
		Upstream   string     `json:"upstream_transaction"`
		Slot       int        `json:"slot"`
		Charger    string     `json:"charger"`
		Connector  int        `json:"connector"`
		Token      string     `json:"id_token"` // masked
		Rule       string     `json:"rule"`
		StartedAt  time.Time  `json:"started_at"`
		StoppedAt  *time.Time `json:"stopped_at"`
		MeterStart int64      `json:"meter_start_wh"`
		MeterStop  *int64     `json:"meter_stop_wh"`
		EnergyWh   int64      `json:"energy_wh"`
		Reason     string     `json:"stop_reason"`
		Synthetic  bool       `json:"closed_by_box"`
	}
	outboxDTO struct {
		Pending           int        `json:"pending"`
		Parked            int        `json:"parked"`
		Oldest            *time.Time `json:"oldest"`
		Delivered         int        `json:"transactions_delivered"`
		DeliveredEnergyWh int64      `json:"energy_wh_delivered"`
		Started           int        `json:"transactions_started"`
		// ParkedTransactions are the oldest 100 whose messages wait for a person.
		ParkedTransactions []parkedDTO `json:"parked_transactions"`
	}
	parkedDTO struct {
		Transaction int64  `json:"transaction"`
		Error       string `json:"error"` // what the cloud said
	}
	eventDTO struct {
		At       time.Time `json:"at"`
		Severity string    `json:"severity"`
		Code     string    `json:"code"`
		Subject  string    `json:"subject"`
		Text     string    `json:"text"`
	}
	commandDTO struct {
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
	faultDTO struct {
		Name  string `json:"name"`
		Arg   string `json:"arg"`
		Label string `json:"label"`
		Help  string `json:"help"`
		On    bool   `json:"on"`
	}
)

// a is a current as the API gives it, in amperes.
func a(m loadbalance.MilliAmp) float64 { return math.Round(float64(m)) / 1000 }

func perPhase(p loadbalance.PerPhase) [3]float64 { return [3]float64{a(p[0]), a(p[1]), a(p[2])} }

// known is a time that may be unknown.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// masked shows the end of a token, enough to recognise a card by.
func masked(t controller.IDToken) string {
	v := []rune(t.Value)
	if len(v) <= 4 {
		return strings.Repeat("•", len(v))
	}
	return "•••" + string(v[len(v)-4:])
}

func newSiteDTO(s *controller.Snapshot) siteDTO {
	u := s.Uplink
	return siteDTO{ID: s.SiteID, Name: s.SiteName, At: s.At, Demo: s.Demo, JournalError: s.JournalError,
		Plan: planDTO{State: string(s.Plan.State), At: known(s.Plan.At), TookMs: s.Plan.Took.Milliseconds(), Iterations: s.Plan.Iterations, Gap: s.Plan.Gap,
			Made: s.Plan.Made, Failures: s.Plan.Failures, Why: s.Plan.Why},
		Uplink: uplinkDTO{Station: u.Station, URL: u.URL, Protocol: u.Protocol, State: string(u.State), Detail: u.Detail, Since: known(u.Since)},
		Alarms: each(s.Alarms, func(a controller.Alarm) alarmDTO {
			return alarmDTO{Code: a.Code, Severity: string(a.Severity), Subject: a.Subject, Text: a.Text, Remedy: a.Remedy, Since: a.Since}
		})}
}

func newCircuitDTO(n controller.NodeView) circuitDTO {
	d := circuitDTO{ID: n.ID, Parent: n.Parent, Metered: n.Metered, State: n.State, AgeMs: n.Age.Milliseconds(), LimitA: perPhase(n.Limit),
		BaseA: perPhase(n.Base), BookedA: perPhase(n.Booked), HeadroomA: perPhase(n.Headroom), Supply: newSupplyDTO(n.Supply)}
	if measures(n) {
		d.MeasuredA = new(perPhase(n.Measured))
	}
	return d
}

func newMeterDTO(m controller.MeterView) meterDTO {
	d := meterDTO{ID: m.ID, Circuit: m.Node, At: known(m.At), Error: m.Err}
	if !m.At.IsZero() {
		d.CurrentA, d.PowerW = new(perPhase(m.Current)), new(int64(m.Power))
	}
	return d
}

func newChargerDTO(c controller.ChargerView) chargerDTO {
	return chargerDTO{ID: string(c.Station), Circuit: c.Node, Online: c.Online, Protocol: c.Protocol,
		Vendor: c.Info.Vendor, Model: c.Info.Model, Serial: c.Info.Serial, Firmware: c.Info.Firmware,
		Since: known(c.Since), LastHeard: known(c.LastHeard), FailsafeOK: c.FailsafeOK,
		Slots: each(c.Slots, func(s controller.Slot) int { return int(s) }),
		Jobs: each(c.Jobs, func(j controller.JobView) jobDTO {
			return jobDTO{Job: string(j.Job), RequestID: j.RequestID, Status: j.Status, At: j.At}
		})}
}

func newConnectorDTO(c controller.ConnectorView) connectorDTO {
	words := english()
	d := connectorDTO{Slot: int(c.Slot), Charger: string(c.Station), Connector: c.Connector, Bay: c.Bay, EVSEID: c.EVSEID, Circuit: c.Node,
		Phases: c.Phases, Online: c.Online, Operative: c.Operative, Status: string(c.Status), StatusText: words.status(c), ErrorCode: c.ErrorCode,
		Tx: int64(c.Tx), UpTx: string(c.UpTx), Token: c.Token, Since: known(c.Since), EnergyWh: int64(c.Energy), RegisterWh: int64(c.Register),
		SetpointA: a(c.Setpoint), TargetA: a(c.Target), MaxA: a(c.Max), FailsafeA: a(c.Failsafe), LeaseUntil: known(c.LeaseUntil),
		MeasuredAt: known(c.MeasuredAt),
		Reason:     reasonDTO{Rule: ruleName(c.Reason.Rule), Circuit: circuit(c.Reason.Node), AgeMs: c.Reason.Age.Milliseconds(), Text: words.reason(c)}}
	if d.Reason.Circuit != "" {
		d.Reason.Phase = phaseName(c.Reason.Phase)
	}
	if !silent(c) {
		d.MeasuredA = new(perPhase(c.Measured))
	}
	d.Departure, d.DepartureBy, d.NeedsBy, d.Vehicle = known(c.Departure), string(c.DepartureBy), string(c.NeedsBy), c.Vehicle
	d.PlanRank, d.Planned = c.PlanRank, each(c.Planned, func(p controller.PlanStep) planStepDTO { return planStepDTO{From: p.From, CurrentA: a(p.Current)} })
	if c.NeedsBy != controller.NeedsUnknown {
		d.NeedsWh = new(int64(c.Needs))
	}
	if c.SoC >= 0 {
		d.SoC = new(c.SoC)
	}
	return d
}

func newTransactionDTO(t controller.TxRow) transactionDTO {
	d := transactionDTO{ID: int64(t.Tx), Upstream: string(t.UpTx), Slot: int(t.Slot), Charger: string(t.Station), Connector: t.Connector,
		Token: masked(t.Token), Rule: t.Rule, StartedAt: t.StartedAt, MeterStart: int64(t.MeterStart), EnergyWh: int64(t.LastRegister - t.MeterStart)}
	if t.Ended {
		d.StoppedAt, d.MeterStop, d.Reason, d.Synthetic = known(t.StoppedAt), new(int64(t.MeterStop)), t.Reason, t.Synthetic
		d.EnergyWh = int64(t.MeterStop - t.MeterStart)
	}
	return d
}

func newOutboxDTO(o controller.OutboxCounts) outboxDTO {
	return outboxDTO{Pending: o.Pending, Parked: o.Parked, Oldest: known(o.Oldest), Delivered: o.Delivered,
		DeliveredEnergyWh: int64(o.DeliveredEnergy), Started: o.Started, ParkedTransactions: []parkedDTO{}}
}

func newEventDTO(e controller.LogEntry) eventDTO {
	return eventDTO{At: e.At, Severity: string(e.Severity), Code: e.Code, Subject: e.Subject, Text: e.Text}
}
