package controller

import (
	"fmt"
	"testing"
	"time"

	"busbar/loadbalance"
)

// busySite is a site of n chargers that charge, each on a board of ten.
func busySite(tb testing.TB, n int) *rig {
	tb.Helper()
	l := layout()
	l.Nodes[0].Limit = loadbalance.Uniform(loadbalance.MilliAmp(n) * 12 * loadbalance.Amp)
	l.Nodes, l.Chargers = l.Nodes[:1], nil
	for i := range n {
		board := loadbalance.NodeID(fmt.Sprint("board", i/10))
		if i%10 == 0 {
			l.Nodes = append(l.Nodes, loadbalance.Node{ID: board, Parent: "main", Limit: loadbalance.Uniform(120 * loadbalance.Amp)})
		}
		l.Chargers = append(l.Chargers, ChargerLayout{Station: StationID(fmt.Sprint("CP", i)), Node: board, Failsafe: 6000,
			Connectors: []ConnectorLayout{{Number: 1, Min: 6000, Max: 32000, Wiring: []loadbalance.Phase{0, 1, 2}}}})
	}
	r := newRig(tb, l, Recovered{})
	r.cloudUp()
	for i := range n {
		id := StationID(fmt.Sprint("CP", i))
		r.online(id)
		r.do(r.startEvent(id, 1, fmt.Sprint("token", i)))
	}
	return r
}

// message is what one charger reports each ten seconds: its car draws what it may.
func (r *rig) message(n, i int) MeterReported {
	sl := r.site.slots[i%n]
	a := max(0, sl.lim.present(r.now, sl.failsafe())-loadbalance.MilliAmp(100+i%5*50))
	sample := MeterSample{At: r.now, Energy: WattHour(1000 + i/n*20), HasEnergy: true, SoC: -1,
		Current: loadbalance.Uniform(a), CurrentPhases: loadbalance.AllPhases}
	return MeterReported{Station: sl.station.id, Reply: r.next(), Connector: 1, Samples: []MeterSample{sample}}
}

// reading is one of the main meter: the cars and a building that is never still.
func (r *rig) reading(n int) MeterSampled {
	a := loadbalance.MilliAmp(n)*loadbalance.Amp + loadbalance.MilliAmp(r.now.Unix()%7)*500
	for _, sl := range r.site.slots {
		a += sl.measured[0]
	}
	return MeterSampled{Meter: "grid", At: r.now, Period: time.Second, Current: loadbalance.Uniform(a)}
}

// obey answers all setpoints on the way and forgets what was collected.
func (r *rig) obey() {
	for _, e := range find[SetLimit](r.all) {
		r.do(LimitAnswered{Station: e.Station, Slot: e.Slot, Seq: e.Seq, Sent: true, Accepted: true})
	}
	r.all, r.rows = r.all[:0], r.rows[:0]
	clear(r.answers)
}

// BenchmarkStep200 is what a message and what a second costs at a site of 200 chargers:
// 20 messages, a reading of the main meter, and what follows from them.
func BenchmarkStep200(b *testing.B) {
	const n = 200
	r := busySite(b, n)
	i, messages, readings := 0, time.Duration(0), time.Duration(0)
	second := func(timed bool) {
		for range n / 10 {
			r.now = r.now.Add(time.Second * 9 / n)
			ev := r.message(n, i)
			begin := time.Now()
			r.do(ev)
			if timed {
				messages += time.Since(begin)
			}
			i++
		}
		r.now = r.now.Add(time.Second / 10)
		begin := time.Now()
		r.do(r.reading(n))
		if timed {
			readings += time.Since(begin)
		}
		r.obey()
	}
	for range 60 {
		second(false)
	}
	b.ReportAllocs()
	for b.Loop() {
		second(true)
	}
	b.ReportMetric(float64(messages.Nanoseconds())/float64(b.N)/(n/10), "ns/message")
	b.ReportMetric(float64(readings.Nanoseconds())/float64(b.N), "ns/reading")
}
