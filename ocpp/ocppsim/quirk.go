package ocppsim

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"busbar/ocpp"
)

// Quirk is something that chargers in the field do otherwise than the specification
// says, or that makes them hard to lead though it is allowed.
type Quirk string

// The quirks.
const (
	// Of messages.
	QuirkNullMembers    Quirk = "null-members"    // optional members that are not there are sent as null
	QuirkNumericStrings Quirk = "numeric-strings" // numbers are sent as strings
	QuirkMissingEVSE    Quirk = "missing-evse"    // 2.x: transaction events don't name their EVSE
	// Of its clock and starts.
	QuirkWrongClock      Quirk = "wrong-clock"       // the clock is three hours ahead
	QuirkBootsAlways     Quirk = "boots-always"      // BootNotification on every connection
	QuirkNeverBootsAgain Quirk = "never-boots-again" // no BootNotification after the first, whatever happens
	// Of profiles.
	QuirkRefusesTxProfile      Quirk = "refuses-tx-profile"
	QuirkRefusesStationDefault Quirk = "refuses-station-default" // no TxDefaultProfile on EVSE or connector 0
	QuirkWattsOnly             Quirk = "watts-only"
	QuirkRelativeOnly          Quirk = "relative-only"
	QuirkLevelZeroOnly         Quirk = "level-zero-only"
	QuirkIgnoresLimits         Quirk = "ignores-limits" // accepts them
	QuirkEndsAtZero            Quirk = "ends-at-zero"   // a limit of 0 A ends the transaction
	QuirkNeverResumes          Quirk = "never-resumes"  // after a limit of 0 A nothing flows any more
	QuirkNoSmartCharging       Quirk = "no-smart-charging"
	// Of its meter.
	QuirkEnergyOnly Quirk = "energy-only" // no current, power or voltage
	// Of its connection.
	QuirkNoPong        Quirk = "no-pong"
	QuirkProtocolOrder Quirk = "protocol-order" // names versions that nobody speaks before its own
	QuirkHexPassword   Quirk = "hex-password"   // sends the password's bytes in hexadecimal digits
)

// wrongBy is how far the clock of QuirkWrongClock is ahead.
const wrongBy = 3 * time.Hour

func (c *Charger) has(q Quirk) bool { return c.cfg.has(q) }

func (c *ChargerConfig) has(q Quirk) bool { return slices.Contains(c.Quirks, q) }

// ignores reports that limits don't bind.
func (c *Charger) ignores() bool { return c.fault.IgnoreProfiles || c.has(QuirkIgnoresLimits) }

// loose reports that its messages may break the schemas.
func (c *Charger) loose() bool {
	return c.has(QuirkNullMembers) || c.has(QuirkNumericStrings)
}

func (c *Charger) password() string {
	if c.has(QuirkHexPassword) {
		return hex.EncodeToString([]byte(c.cfg.Password))
	}
	return c.cfg.Password
}

func (c *Charger) offered() []ocpp.Protocol {
	own := c.dialect.protocols()
	if c.has(QuirkProtocolOrder) {
		return append([]ocpp.Protocol{"ocpp1.2", "ocpp1.5"}, own...)
	}
	return own
}

// enqueue sends something that is of no use on a later connection.
func enqueue[Req, Resp any](c *Charger, a ocpp.Action[Req, Resp], req Req) {
	c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		_, err := say(ctx, c, conn, a, req)
		return err
	}})
}

// say sends a message as the charger's quirks have it.
func say[Req, Resp any](ctx context.Context, c *Charger, conn *ocpp.Conn, a ocpp.Action[Req, Resp], req Req) (Resp, error) {
	if !c.loose() {
		return a.Call(ctx, conn, req)
	}
	var resp Resp
	raw, err := json.Marshal(req)
	if err != nil {
		return resp, err
	}
	if raw, err = c.mangled(a.Name, raw); err != nil {
		return resp, err
	}
	answer, err := conn.Call(ctx, ocpp.Call{Action: a.Name, Payload: raw})
	if err != nil {
		return resp, err
	}
	_, err = ocpp.DecodeLenient(answer, &resp)
	return resp, err
}

// mangled writes a payload as the quirks have it.
func (c *Charger) mangled(action string, raw []byte) ([]byte, error) {
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		return nil, err
	}
	if c.has(QuirkNumericStrings) {
		for k, v := range members {
			members[k] = quoted(v)
		}
	}
	if c.has(QuirkNullMembers) {
		for _, name := range absentAsNull(action) {
			if _, there := members[name]; !there {
				members[name] = nil
			}
		}
	}
	return json.Marshal(members)
}

// quoted turns all numbers in v into strings.
func quoted(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case []any:
		for i := range v {
			v[i] = quoted(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = quoted(v[k])
		}
	}
	return v
}

// absentAsNull are members of an action that are sent as null where they are absent.
func absentAsNull(action string) []string {
	switch action {
	case "TransactionEvent":
		return []string{"customData", "evse", "idToken", "meterValue", "offline", "reservationId", "numberOfPhasesUsed"}
	case "StartTransaction":
		return []string{"reservationId"}
	case "StopTransaction":
		return []string{"idTag", "reason", "transactionData"}
	case "StatusNotification":
		return []string{"info", "vendorId", "vendorErrorCode", "customData"}
	case "BootNotification":
		return []string{"iccid", "imsi", "meterType", "customData"}
	case "MeterValues":
		return []string{"transactionId", "customData"}
	}
	return nil
}
