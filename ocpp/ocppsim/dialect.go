package ocppsim

import (
	"context"
	"time"

	"busbar/ocpp"
)

// dialect is how one version says what happens at the charger, and how it answers the
// CSMS. Charger.mu is held in all methods but boot, heartbeat and commands.
type dialect interface {
	// protocols it speaks, best first.
	protocols() []ocpp.Protocol
	// commands answers what the CSMS asks.
	commands() ocpp.Handler
	// boot sends BootNotification; retry is when to ask again where it was not accepted.
	boot(ctx context.Context, conn *ocpp.Conn, why bootCause) (accepted bool, retry time.Duration, err error)
	heartbeat(ctx context.Context, conn *ocpp.Conn) error
	// beats is the interval of heartbeats, 0 off; samples that of metering samples.
	beats() time.Duration
	samples() time.Duration
	// sampled are the measurands of periodic samples.
	sampled() []string

	// statuses tells the present status of the outlets; station adds that of the whole.
	statuses(outlets []*outlet, station bool)
	// authorize asks for a token and calls Charger.authorized.
	authorize(o *outlet, token string)
	// shown tells a changed status; before is the one before.
	shown(o *outlet, before Status)
	// presented and plugged happen before a transaction, in either order.
	presented(o *outlet, token string)
	plugged(o *outlet)
	// left tells that the car is gone.
	left(o *outlet)
	begun(o *outlet, t *running)
	sample(o *outlet, t *running)
	ended(o *outlet, t *running, why cause)
}

// Status is what a connector is doing, in the words of OCPP 1.6.
type Status string

// The statuses.
const (
	StatusAvailable     Status = "Available"
	StatusPreparing     Status = "Preparing"
	StatusCharging      Status = "Charging"
	StatusSuspendedEV   Status = "SuspendedEV"
	StatusSuspendedEVSE Status = "SuspendedEVSE"
	StatusFinishing     Status = "Finishing"
	StatusReserved      Status = "Reserved"
	StatusUnavailable   Status = "Unavailable"
)

// cause is why a transaction ends.
type cause uint8

const (
	causeLocal        cause = iota // the driver's token
	causeRemote                    // the CSMS asked for it
	causeDeauthorized              // the CSMS did not accept the token
	causePowerLoss
	causeUnlock
	causeSoftReset
	causeHardReset
	causeUnplugged
	causeOther
)

// bootCause is why the charger starts.
type bootCause uint8

const (
	bootPower bootCause = iota
	bootReset
	bootTriggered
	bootFirmware
)

// reading is one measured value, as text with a point.
type reading struct {
	measurand, phase, unit, value string
}

// measures reports whether the charger takes m for a measurand.
func (c *ChargerConfig) measures(m string) bool {
	return measurable(m) && (!c.has(QuirkEnergyOnly) || m == energyRegister)
}

// measurable reports whether chargers can measure m. Cars on AC don't tell their state
// of charge, so there is never a value of it.
func measurable(m string) bool {
	switch m {
	case energyRegister, "Power.Active.Import", "Current.Import", "Voltage", "SoC":
		return true
	}
	return false
}

const energyRegister = "Energy.Active.Import.Register"
