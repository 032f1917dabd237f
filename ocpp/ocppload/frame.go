package ocppload

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const subprotocol = "ocpp1.6"

// Kind is what a station asks.
type Kind uint8

// The kinds. Those from Start on are billing: their answer promises that what they say
// is on the disk.
const (
	Heartbeat Kind = iota
	Status
	Meter // periodic sample for load management
	Authorize
	Start
	BilledMeter // sample that frames an interval of billing
	Stop
	kinds
)

var kindNames = [kinds]string{"Heartbeat", "StatusNotification", "MeterValues", "Authorize", "StartTransaction", "MeterValues.billing", "StopTransaction"}

func (k Kind) String() string { return kindNames[k] }

// Kinds are all, in their order.
func Kinds() []Kind {
	out := make([]Kind, kinds)
	for k := range out {
		out[k] = Kind(k)
	}
	return out
}

// Mix is an endless sequence of kinds.
type Mix uint8

// The mixes.
const (
	// NonBilling is what chargers say most of the time: half of it samples. Those without
	// a car report a changed status each time, the others the same.
	NonBilling Mix = iota
	// Billing is short sessions, one after the other; a station whose car stays all the
	// time bills samples instead.
	Billing
	mixes
)

func (m Mix) String() string { return [mixes]string{"non-billing", "billing"}[m] }

// kind is the n-th of the sequence.
func (m Mix) kind(n int) Kind {
	sequence := [mixes][6]Kind{
		{Meter, Heartbeat, Meter, Status, Meter, Authorize},
		{Start, BilledMeter, BilledMeter, BilledMeter, BilledMeter, Stop},
	}[m]
	return sequence[n%len(sequence)]
}

// The places in a prepared frame; each stands for a text of its own length.
const (
	holeID       = "0000000000"
	holeTime     = "2000-01-01T00:00:00.000Z"
	holeRegister = "111111111"
	holeTx       = "2222222222"
	holeCurrent  = "33.3"
	holeStatus   = `"Available"`
)

// Statuses as they fit into their place.
const (
	statusAvailable = holeStatus
	statusReserved  = `"Reserved" `
	statusPreparing = `"Preparing"`
	statusCharging  = `"Charging" `
)

// frame is a prepared CALL with its places.
type frame struct {
	bytes                     []byte
	id, register, tx, current []int
	times                     []int
	status                    []int
}

func newFrame(action, payload string) frame {
	b := []byte(`[2,"` + holeID + `","` + action + `",` + payload + `]`)
	return frame{bytes: b, id: places(b, holeID)[:1], register: places(b, holeRegister), tx: places(b, holeTx),
		current: places(b, holeCurrent), times: places(b, holeTime), status: places(b, holeStatus)}
}

// places are where a text stands in b.
func places(b []byte, text string) []int {
	var out []int
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(text))
		if i < 0 {
			return out
		}
		out = append(out, from+i)
		from += i + len(text)
	}
}

// fill writes a number into places of width digits; fillers keep the JSON valid.
func fill(b []byte, at []int, width int, filler byte, n int64) {
	for _, i := range at {
		place := b[i : i+width]
		for p := range place {
			place[p] = filler
		}
		var digits [20]byte
		text := strconv.AppendInt(digits[:0], n, 10)
		copy(place[width-len(text):], text)
	}
}

// prepared are the frames of one station.
func prepared(token string) [kinds]frame {
	sample := func(context string) string {
		value := func(value, measurand, unit, phase string) string {
			return fmt.Sprintf(`{"value":"%s","context":"%s","format":"Raw","measurand":"%s",%s"location":"Outlet","unit":"%s"}`, value, context, measurand, phase, unit)
		}
		values := []string{value(holeRegister, "Energy.Active.Import.Register", "Wh", ""), value("7360.0", "Power.Active.Import", "W", "")}
		for _, phase := range []string{"L1", "L2", "L3"} {
			values = append(values, value(holeCurrent, "Current.Import", "A", `"phase":"`+phase+`",`))
		}
		return `{"connectorId":1,"transactionId":` + holeTx + `,"meterValue":[{"timestamp":"` + holeTime + `","sampledValue":[` + strings.Join(values, ",") + `]}]}`
	}
	return [kinds]frame{
		Heartbeat:   newFrame("Heartbeat", `{}`),
		Status:      newFrame("StatusNotification", `{"connectorId":1,"errorCode":"NoError","status":`+holeStatus+`,"timestamp":"`+holeTime+`"}`),
		Meter:       newFrame("MeterValues", sample("Sample.Periodic")),
		Authorize:   newFrame("Authorize", `{"idTag":"`+token+`"}`),
		Start:       newFrame("StartTransaction", `{"connectorId":1,"idTag":"`+token+`","meterStart":`+holeRegister+`,"timestamp":"`+holeTime+`"}`),
		BilledMeter: newFrame("MeterValues", sample("Sample.Clock")),
		Stop:        newFrame("StopTransaction", `{"transactionId":`+holeTx+`,"idTag":"`+token+`","meterStop":`+holeRegister+`,"timestamp":"`+holeTime+`","reason":"Local"}`),
	}
}

// put writes a text into its places.
func (f *frame) put(places []int, text string) {
	for _, i := range places {
		copy(f.bytes[i:], text)
	}
}

// stamp writes the time into its places.
func (f *frame) stamp(now time.Time) {
	if len(f.times) == 0 {
		return
	}
	var buf [2 * len(holeTime)]byte
	text := now.UTC().AppendFormat(buf[:0], "2006-01-02T15:04:05.000Z")
	for _, i := range f.times {
		copy(f.bytes[i:], text)
	}
}
