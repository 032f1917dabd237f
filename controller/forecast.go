package controller

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"busbar/loadbalance"
)

// forecast is what the load beside the chargers, and the sun, are expected to be: the
// mean of the same quarter hour in past weeks, or of the days where that day is not
// known yet, plus what the last quarter hour was above or below its own expectation,
// fading within hours. A site that was never seen is expected to go on as it is.
type forecast struct {
	nodes map[loadbalance.NodeID]*history // of metered nodes, mA per phase
	sun   map[string]*history             // by meter, W in the first place
}

const (
	quarter  = 15 * time.Minute
	perDay   = int(24 * time.Hour / quarter)
	fadesIn  = time.Hour
	weeksFor = 4 // how many weeks a mean looks back, more or less
)

// history is the past of one quantity, by the quarter hours of a week.
type history struct {
	key   string // its rows are key/weekday
	week  [7][perDay]cell
	start time.Time // of the quarter hour that runs
	sum   [3]float64
	n     int
	last  [3]float64 // mean of the quarter hour before
	known bool       // there is one
}

// cell is the mean of a quarter hour, and of how many weeks.
type cell struct {
	Mean  [3]int32
	Weeks uint8
}

func (f *forecast) node(id loadbalance.NodeID) *history {
	if f.nodes == nil {
		f.nodes = map[loadbalance.NodeID]*history{}
	}
	if f.nodes[id] == nil {
		f.nodes[id] = &history{key: basePrefix + "node/" + string(id)}
	}
	return f.nodes[id]
}

func (f *forecast) meter(id string) *history {
	if f.sun == nil {
		f.sun = map[string]*history{}
	}
	if f.sun[id] == nil {
		f.sun[id] = &history{key: basePrefix + "sun/" + id}
	}
	return f.sun[id]
}

const basePrefix = "base/"

// place is the cell of a moment by the site's clocks.
func place(t time.Time, zone *time.Location) (day, of int) {
	local := t.In(zone)
	return int(local.Weekday()), local.Hour()*4 + local.Minute()/15
}

// observe takes a sample; rows are to be kept where a quarter hour has ended.
func (h *history) observe(now time.Time, zone *time.Location, v [3]float64) (rows []Row) {
	start := now.Truncate(quarter)
	if !start.Equal(h.start) {
		if h.n > 0 {
			rows = h.close(zone)
		}
		h.start, h.sum, h.n = start, [3]float64{}, 0
	}
	for p := range v {
		h.sum[p] += v[p]
	}
	h.n++
	return rows
}

// close takes the quarter hour that has ended into the means.
func (h *history) close(zone *time.Location) []Row {
	day, of := place(h.start, zone)
	c := &h.week[day][of]
	c.Weeks = min(c.Weeks+1, weeksFor)
	for p := range h.sum {
		h.last[p] = h.sum[p] / float64(h.n)
		c.Mean[p] += int32(math.Round((h.last[p] - float64(c.Mean[p])) / float64(c.Weeks)))
	}
	h.known = true
	text, err := json.Marshal(&h.week[day])
	if err != nil {
		panic("controller: means of plain values can't be encoded: " + err.Error())
	}
	return []Row{SettingRow{Key: fmt.Sprintf("%s/%d", h.key, day), Value: string(text)}}
}

// usual is what is known of a quarter hour: of its day of the week, else of all days.
func (h *history) usual(t time.Time, zone *time.Location) (v [3]float64, known bool) {
	day, of := place(t, zone)
	if c := &h.week[day][of]; c.Weeks > 0 {
		return floats(c.Mean), true
	}
	n := 0.
	for d := range h.week {
		if c := &h.week[d][of]; c.Weeks > 0 {
			for p := range v {
				v[p] += float64(c.Mean[p])
			}
			n++
		}
	}
	if n == 0 {
		return v, false
	}
	for p := range v {
		v[p] /= n
	}
	return v, true
}

func floats(v [3]int32) [3]float64 { return [3]float64{float64(v[0]), float64(v[1]), float64(v[2])} }

// recent is the mean of the quarter hour that runs, once some of it is over, else of the
// one before.
func (h *history) recent() (v [3]float64, known bool) {
	if h.n == 0 || h.known && h.n < 60 {
		return h.last, h.known
	}
	for p := range v {
		v[p] = h.sum[p] / float64(h.n)
	}
	return v, true
}

// at is what is expected at t; false if nothing was ever seen.
func (h *history) at(now, t time.Time, zone *time.Location) (v [3]float64, known bool) {
	recent, seen := h.recent()
	usual, ok := h.usual(t, zone)
	switch {
	case !ok:
		return recent, seen
	case !seen:
		return usual, true
	}
	then, ok := h.usual(now, zone)
	if !ok {
		then = recent
	}
	fade := math.Exp(-float64(max(0, t.Sub(now))) / float64(fadesIn))
	for p := range v {
		v[p] = usual[p] + (recent[p]-then[p])*fade
	}
	return v, true
}

// observeBase takes what a reading says of the load beside the chargers.
func (s *Site) observeBase(m *meter) {
	if !s.cfg.Plan {
		return
	}
	cars := s.sumBelow(m.layout.Node)
	var base [3]float64
	for p := range base {
		base[p] = float64(m.current[p] - cars[p])
	}
	s.keepBase(s.forecast.node(m.layout.Node).observe(s.now, s.zone(), base))
}

// observeSun takes a reading of what is produced, whichever sign the meter gives it.
func (s *Site) observeSun(ev MeterSampled) {
	for _, m := range s.cfg.Layout.Sun {
		if m.ID == ev.Meter {
			watts := math.Abs(s.watts(ev.Power, ev.Current))
			s.keepBase(s.forecast.meter(m.ID).observe(s.now, s.zone(), [3]float64{watts}))
		}
	}
}

func (s *Site) keepBase(rows []Row) {
	if len(rows) > 0 {
		s.persist(nil, rows...)
	}
}

// watts is a meter's power, from its currents where it gives none.
func (s *Site) watts(power Watt, current loadbalance.PerPhase) float64 {
	if power != 0 {
		return float64(power)
	}
	return float64(current[0]+current[1]+current[2]) / 1000 * float64(max(1, s.cfg.Layout.NominalV))
}

// recoverForecast takes back what was learnt. It is no setting for anybody to see.
func (s *Site) recoverForecast() {
	for key, text := range s.settings {
		rest, ok := strings.CutPrefix(key, basePrefix)
		if !ok {
			continue
		}
		delete(s.settings, key)
		kind, rest, _ := strings.Cut(rest, "/")
		id, day, _ := strings.Cut(rest, "/")
		if len(day) != 1 || day[0] < '0' || day[0] > '6' {
			continue
		}
		h := s.forecast.node(loadbalance.NodeID(id))
		if kind == "sun" {
			h = s.forecast.meter(id)
		}
		var week [perDay]cell
		if json.Unmarshal([]byte(text), &week) == nil {
			h.week[day[0]-'0'] = week
		}
	}
}
