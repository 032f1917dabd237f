package web

import (
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"busbar/controller"
)

// Metrics are the measures of the running box for Prometheus, in a registry of
// their own. All methods return at once and may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	messages *prometheus.CounterVec
	step     prometheus.Histogram
	commit   prometheus.Histogram
	lag      prometheus.Histogram
}

// NewMetrics makes an empty set.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "busbar_ocpp_messages_total",
			Help: "OCPP calls by direction seen from the box (in, out), action and result."}, []string{"direction", "action", "result"}),
		step:   histogram("busbar_step_seconds", "Time that one step of the control loop takes."),
		commit: histogram("busbar_commit_seconds", "Time that one group of rows takes to become durable."),
		lag:    histogram("busbar_loop_lag_seconds", "Time that an event waits for the control loop."),
	}
	m.registry.MustRegister(m.messages, m.step, m.commit, m.lag,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help,
		Buckets: prometheus.ExponentialBuckets(20e-6, 4, 10)}) // 20 us to 5 s
}

// Counter counts up. It may be kept: to look one up costs more than to count.
type Counter interface{ Inc() }

// OCPPMessages is the counter of messages of a kind. direction is "in" or "out" seen from
// the box; action must be one of the protocol's (the caller maps unknown ones to
// "unknown", so that a peer can't make up labels); result is "ok" or an error code.
func (m *Metrics) OCPPMessages(direction, action, result string) Counter {
	valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") } // the library panics at others
	return m.messages.WithLabelValues(valid(direction), valid(action), valid(result))
}

// Step records how long a step of the control loop took.
func (m *Metrics) Step(d time.Duration) { m.step.Observe(d.Seconds()) }

// Commit records how long a group of rows took to become durable.
func (m *Metrics) Commit(d time.Duration) { m.commit.Observe(d.Seconds()) }

// LoopLag records how long an event waited for the control loop.
func (m *Metrics) LoopLag(d time.Duration) { m.lag.Observe(d.Seconds()) }

// handler serves the measures, and each number of the status as busbar_<name>.
func (m *Metrics) handler(status func() controller.Status) http.Handler {
	numbers := prometheus.NewRegistry()
	numbers.MustRegister(statusCollector(status))
	return promhttp.HandlerFor(prometheus.Gatherers{m.registry, numbers}, promhttp.HandlerOpts{})
}

// statusCollector turns the status into gauges at each scrape. Values that are not
// known now (null in JSON) are left out. It describes nothing beforehand: which
// numbers there are is the status type's business.
type statusCollector func() controller.Status

func (statusCollector) Describe(chan<- *prometheus.Desc) {}

func (c statusCollector) Collect(out chan<- prometheus.Metric) {
	for field, value := range reflect.ValueOf(c()).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		collect(out, name, value)
	}
}

func collect(out chan<- prometheus.Metric, name string, v reflect.Value) {
	gauge := func(v float64, phase ...string) {
		var labels []string
		if phase != nil {
			labels = []string{"phase"}
		}
		desc := prometheus.NewDesc("busbar_"+name, "Field "+name+" of GET /api/v1/status.", labels, nil)
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, phase...)
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch {
	case v.CanInt():
		gauge(float64(v.Int()))
	case v.CanFloat():
		gauge(v.Float())
	case v.Kind() == reflect.Bool && v.Bool():
		gauge(1)
	case v.Kind() == reflect.Bool:
		gauge(0)
	case v.Kind() == reflect.Array:
		for i, phase := range []string{"L1", "L2", "L3"} {
			gauge(v.Index(i).Float(), phase)
		}
	}
}
