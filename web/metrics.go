package web

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"busbar/controller"
)

// Metrics are the measures of the running box in Prometheus' text format. All
// methods return at once and may be called from any goroutine.
type Metrics struct {
	mu       sync.Mutex
	messages map[ocppLabels]uint64
	step     histogram
	commit   histogram
	lag      histogram
}

type ocppLabels struct{ direction, action, result string }

// histogram counts durations by upper bound; the last bucket has none.
type histogram struct {
	buckets [len(bounds) + 1]uint64
	sum     time.Duration
}

// bounds go from 20 us in steps of 4 to 5.2 s.
var bounds = [10]time.Duration{20e3, 80e3, 320e3, 1280e3, 5120e3, 20480e3, 81920e3, 327680e3, 1310720e3, 5242880e3}

// NewMetrics makes an empty set.
func NewMetrics() *Metrics { return &Metrics{messages: map[ocppLabels]uint64{}} }

// OCPPMessage counts one call. direction is "in" or "out" seen from the box; action
// must be one of the protocol's (the caller maps unknown ones to "unknown", so that
// a peer can't make up labels); result is "ok" or an error code.
func (m *Metrics) OCPPMessage(direction, action, result string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages[ocppLabels{direction, action, result}]++
}

// Step records how long a step of the control loop took.
func (m *Metrics) Step(d time.Duration) { m.observe(&m.step, d) }

// Commit records how long a group of rows took to become durable.
func (m *Metrics) Commit(d time.Duration) { m.observe(&m.commit, d) }

// LoopLag records how long an event waited for the control loop.
func (m *Metrics) LoopLag(d time.Duration) { m.observe(&m.lag, d) }

func (m *Metrics) observe(h *histogram, d time.Duration) {
	i, _ := slices.BinarySearch(bounds[:], d)
	m.mu.Lock()
	defer m.mu.Unlock()
	h.buckets[i]++
	h.sum += d
}

// handler serves the measures, and each number of the status as busbar_<name>.
func (m *Metrics) handler(status func() controller.Status) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var out bytes.Buffer
		m.write(&out)
		writeStatus(&out, status())
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = out.WriteTo(w) // a scraper that left gets no answer
	})
}

func (m *Metrics) write(out *bytes.Buffer) {
	m.mu.Lock()
	messages, step, commit, lag := maps.Clone(m.messages), m.step, m.commit, m.lag
	m.mu.Unlock()
	head(out, "busbar_ocpp_messages_total", "counter", "OCPP calls by direction seen from the box (in, out), action and result.")
	for _, l := range slices.SortedFunc(maps.Keys(messages), ocppLabels.compare) {
		fmt.Fprintf(out, "busbar_ocpp_messages_total{action=\"%s\",direction=\"%s\",result=\"%s\"} %d\n",
			label(l.action), label(l.direction), label(l.result), messages[l])
	}
	step.write(out, "busbar_step_seconds", "Time that one step of the control loop takes.")
	commit.write(out, "busbar_commit_seconds", "Time that one group of rows takes to become durable.")
	lag.write(out, "busbar_loop_lag_seconds", "Time that an event waits for the control loop.")
}

func (l ocppLabels) compare(o ocppLabels) int {
	return slices.Compare([]string{l.direction, l.action, l.result}, []string{o.direction, o.action, o.result})
}

func (h histogram) write(out *bytes.Buffer, name, help string) {
	head(out, name, "histogram", help)
	var n uint64
	for i, le := range bounds {
		n += h.buckets[i]
		fmt.Fprintf(out, "%s_bucket{le=\"%s\"} %d\n", name, decimal(le.Seconds()), n)
	}
	n += h.buckets[len(bounds)]
	fmt.Fprintf(out, "%s_bucket{le=\"+Inf\"} %d\n%s_sum %s\n%s_count %d\n", name, n, name, decimal(h.sum.Seconds()), name, n)
}

// writeStatus writes each number of the status. Values not known now (null in JSON)
// are left out. Which numbers there are is the status type's business.
func writeStatus(out *bytes.Buffer, status controller.Status) {
	v := reflect.ValueOf(status)
	for field, value := range v.Fields() {
		if value.Kind() == reflect.Pointer {
			value = value.Elem() // the zero Value for nil
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !value.IsValid() || value.Kind() == reflect.String {
			continue
		}
		head(out, "busbar_"+name, "gauge", "Field "+name+" of GET /api/v1/status.")
		if value.Kind() != reflect.Array {
			fmt.Fprintf(out, "busbar_%s %s\n", name, decimal(scalar(value)))
			continue
		}
		for i, phase := range []string{"L1", "L2", "L3"} {
			fmt.Fprintf(out, "busbar_%s{phase=\"%s\"} %s\n", name, phase, decimal(scalar(value.Index(i))))
		}
	}
}

func scalar(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanFloat():
		return v.Float()
	case v.Kind() == reflect.Bool && v.Bool():
		return 1
	case v.Kind() == reflect.Bool:
		return 0
	}
	panic("web: status field of kind " + v.Kind().String())
}

func head(out *bytes.Buffer, name, kind, help string) {
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// label escapes a label's value as the text format wants it.
func label(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}
