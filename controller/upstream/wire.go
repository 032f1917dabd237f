package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/translate"
)

// Bounds of packing: elements of one transaction that wait are sent together, as
// MeterValues takes a list; nothing in them is changed.
const (
	packElements = 60
	packBytes    = 16 << 10
)

// outgoing is a billing message as it goes over the wire, each time the same.
type outgoing struct {
	id, action string
	wire       json.RawMessage
	ids        []int64
}

// unfitError is content that no message of 1.6 can carry.
type unfitError struct{ reason string }

func (e *unfitError) Error() string { return e.reason }

var actions = map[controller.OutboxKind]string{
	controller.OutboxStart: ocpp16.StartTransaction.Name, controller.OutboxMeter: ocpp16.MeterValues.Name, controller.OutboxStop: ocpp16.StopTransaction.Name,
}

// message is the stored form of a row, or makes and stores it. Meter rows that wait
// behind a meter row are packed with it.
func (s *Station) message(ctx context.Context, item controller.OutboxItem) (*outgoing, error) {
	m := &outgoing{id: item.MessageID, action: actions[item.Kind], wire: item.Wire, ids: append([]int64{item.ID}, item.Packed...)}
	if len(item.Wire) > 0 {
		return m, nil
	}
	var more []controller.OutboxItem
	if item.Kind == controller.OutboxMeter {
		var err error
		if more, err = s.cfg.Outbox.Following(ctx, item.Tx, item.ID, packElements-1); err != nil {
			return nil, err
		}
	}
	wire, used, err := build(item, more)
	if err != nil {
		return nil, err
	}
	m.id, m.wire, m.ids = uuid.NewString(), wire, m.ids[:1]
	for _, o := range more[:used] {
		m.ids = append(m.ids, o.ID)
	}
	return m, s.cfg.Outbox.Stamp(ctx, m.ids, m.id, m.wire)
}

// build makes the payload of a row; used is how many of more went in.
func build(item controller.OutboxItem, more []controller.OutboxItem) (wire json.RawMessage, used int, err error) {
	switch item.Kind {
	case controller.OutboxStart:
		wire, err = buildStart(item)
	case controller.OutboxStop:
		wire, err = buildStop(item)
	case controller.OutboxMeter:
		return buildMeter(item, more)
	default:
		panic("upstream: unknown kind of outbox row " + string(item.Kind))
	}
	return wire, 0, err
}

func buildStart(item controller.OutboxItem) (json.RawMessage, error) {
	var b controller.StartBody
	if err := json.Unmarshal(item.Body, &b); err != nil {
		return nil, &unfitError{"its stored content can't be read: " + err.Error()}
	}
	if !fitsIDTag(b.Token.Value) {
		return nil, &unfitError{fmt.Sprintf("its idToken has %d characters, OCPP 1.6 takes 20", utf8.RuneCountInString(b.Token.Value))}
	}
	at, err := instant(b.At)
	if err != nil {
		return nil, err
	}
	req := ocpp16.StartTransactionRequest{ConnectorID: int(item.Slot), IDTag: b.Token.Value, MeterStart: int(b.MeterStart), ReservationID: b.ReservationID, Timestamp: at}
	return encode(&req)
}

func buildStop(item controller.OutboxItem) (json.RawMessage, error) {
	var b controller.StopBody
	if err := json.Unmarshal(item.Body, &b); err != nil {
		return nil, &unfitError{"its stored content can't be read: " + err.Error()}
	}
	at, err := instant(b.At)
	if err != nil {
		return nil, err
	}
	tx, err := upstreamID(item)
	if err != nil {
		return nil, err
	}
	req := ocpp16.StopTransactionRequest{MeterStop: int(b.MeterStop), Timestamp: at, TransactionID: tx}
	if b.Token != nil && fitsIDTag(b.Token.Value) {
		req.IDTag = &b.Token.Value
	}
	if b.Reason != "" {
		req.Reason = new(ocpp16.Reason(b.Reason))
		if !req.Reason.Known() {
			req.Reason = new(ocpp16.ReasonOther)
		}
	}
	wire, err := encode(&req)
	if err != nil || len(b.Data) == 0 {
		return wire, err
	}
	o, err := ocpp.ParseObject(wire)
	if err != nil {
		return nil, err
	}
	o.Set("transactionData", b.Data) // byte for byte
	return o.Raw(), nil
}

func buildMeter(item controller.OutboxItem, more []controller.OutboxItem) (json.RawMessage, int, error) {
	tx, err := upstreamID(item)
	if err != nil {
		return nil, 0, err
	}
	values, err := meterValues(item)
	if err != nil {
		return nil, 0, err
	}
	size, used := sizeOf(values), 0
	for _, o := range more {
		next, err := meterValues(o)
		if err != nil || len(values)+len(next) > packElements || size+sizeOf(next) > packBytes || len(o.Wire) > 0 {
			break
		}
		values, size = append(values, next...), size+sizeOf(next)
		used++
	}
	out := []byte(`{"connectorId":` + strconv.Itoa(int(item.Slot)) + `,"transactionId":` + strconv.Itoa(tx) + `,"meterValue":[`)
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, v...)
	}
	return append(out, "]}"...), used, nil
}

func meterValues(item controller.OutboxItem) ([][]byte, error) {
	var b controller.MeterBody
	if err := json.Unmarshal(item.Body, &b); err != nil {
		return nil, &unfitError{"its stored content can't be read: " + err.Error()}
	}
	if b.Form != controller.FormV2 {
		return b.Values, nil
	}
	var values [][]byte
	for _, v := range b.Values {
		out, left, err := translate.MeterValueTo16(v)
		if err != nil {
			return nil, &unfitError{err.Error()}
		}
		if left {
			values = append(values, out)
		}
	}
	return values, nil
}

// unsaid tells that nothing of a message has words in OCPP 1.6: it is settled and not
// sent.
func (m *outgoing) unsaid() bool {
	return m.action == ocpp16.MeterValues.Name && bytes.HasSuffix(m.wire, []byte(`"meterValue":[]}`))
}

func sizeOf(values [][]byte) int {
	n := 0
	for _, v := range values {
		n += len(v) + 1
	}
	return n
}

func upstreamID(item controller.OutboxItem) (int, error) {
	n, err := strconv.Atoi(string(item.UpTx))
	if err != nil {
		return 0, &unfitError{fmt.Sprintf("the cloud gave its transaction no usable id: %q", item.UpTx)}
	}
	return n, nil
}

func instant(text string) (ocpp.DateTime, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return ocpp.DateTime{}, &unfitError{"its stored time can't be read: " + err.Error()}
	}
	return ocpp.NewDateTime(t), nil
}

func encode(v interface{ Validate() error }) (json.RawMessage, error) {
	if err := v.Validate(); err != nil {
		return nil, &unfitError{"it does not fit OCPP 1.6: " + err.Error()}
	}
	return json.Marshal(v)
}

// readAnswer takes what an acknowledgement says. A part that can't be read
// acknowledges all the same, because the cloud has the message; but without the id of
// its transaction a start has no use, and is asked again.
func readAnswer(answer json.RawMessage, ev *controller.Delivered) error {
	switch ev.Kind {
	case controller.OutboxStart:
		var resp struct {
			TransactionID *int             `json:"transactionId"`
			IDTagInfo     ocpp16.IDTagInfo `json:"idTagInfo"`
		}
		_, _ = ocpp.DecodeLenient(answer, &resp)
		if resp.TransactionID == nil {
			return errors.New("the answer to StartTransaction has no transactionId")
		}
		ev.UpTx = controller.UpstreamTx(strconv.Itoa(*resp.TransactionID))
		if resp.IDTagInfo.Status.Known() {
			ev.Info = new(tokenInfo(resp.IDTagInfo))
		}
	case controller.OutboxStop:
		var resp ocpp16.StopTransactionResponse
		_, _ = ocpp.DecodeLenient(answer, &resp)
		if resp.IDTagInfo != nil && resp.IDTagInfo.Status.Known() {
			ev.Info = new(tokenInfo(*resp.IDTagInfo))
		}
	case controller.OutboxMeter:
	}
	return nil
}
