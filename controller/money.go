package controller

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/loadbalance"
)

// Tariff is what energy and its highest quarter hour cost. The zero value is nothing
// that a plan would look at.
type Tariff struct {
	Price float64 // per kWh where no time holds; any currency
	Times []TariffTime
	Peak  PeakTariff
}

// TariffTime is a part of the day with a price of its own, by the site's clocks. Of
// several the first that holds counts.
type TariffTime struct {
	Days [7]bool // by time.Weekday of the beginning
	// From and To are times of day; To at or before From is on the day after.
	From, To time.Duration
	Price    float64 // per kWh
}

// PeakTariff is what the mean power of a quarter hour may be, of all that the supplies
// feed.
type PeakTariff struct {
	Limit Watt    // kept in every quarter hour; 0: none
	Price float64 // of each kW of a month's highest quarter hour
	Set   Watt    // the level that is paid for anyhow
}

// priced tells whether prices differ by time.
func (t *Tariff) priced() bool { return len(t.Times) > 0 }

// price is what a kWh costs at a time.
func (t *Tariff) price(at time.Time, zone *time.Location) float64 {
	local := at.In(zone)
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	today := local.Weekday()
	yesterday := (today + 6) % 7
	for _, p := range t.Times {
		over := p.To <= p.From // midnight
		switch {
		case p.Days[today] && clock >= p.From && (over || clock < p.To),
			over && p.Days[yesterday] && clock < p.To:
			return p.Price
		}
	}
	return t.Price
}

// money tells whether a plan saves any, so that cars are held back to it.
func (s *Site) money() bool {
	t := &s.cfg.Layout.Tariff
	return t.priced() || t.Peak.Price > 0 || t.Peak.Limit > 0 || len(s.cfg.Layout.Sun) > 0
}

// peak is the energy of the quarter hour that runs, and the highest one of the month.
type peak struct {
	meters map[string]*flow
	start  time.Time
	used   float64 // Wh, of all supplies
	most   Watt    // mean of the month's highest quarter hour
	month  string  // of most
}

// flow is one supply's meter.
type flow struct {
	at    time.Time
	watts float64
}

// longestFlow bounds the time that one reading stands for.
const longestFlow = time.Minute

const peakSetting = "peak"

// meterPeak takes a reading of a supply into the quarter hour.
func (s *Site) meterPeak(m *meter) {
	if t := &s.cfg.Layout.Tariff.Peak; t.Limit == 0 && t.Price == 0 || !s.isSupply(m.layout.Node) {
		return
	}
	p := &s.peak
	if start := s.now.Truncate(quarter); !start.Equal(p.start) {
		s.closeQuarter(start)
	}
	if p.meters == nil {
		p.meters = map[string]*flow{}
	}
	f := p.meters[m.layout.ID]
	if f == nil {
		f = &flow{}
		p.meters[m.layout.ID] = f
	}
	if from := later(f.at, p.start); !f.at.IsZero() {
		p.used += f.watts * min(s.now.Sub(from), longestFlow).Hours()
	}
	f.at, f.watts = s.now, s.watts(m.power, m.current)
}

// closeQuarter begins a quarter hour and keeps the highest one of the month.
func (s *Site) closeQuarter(start time.Time) {
	p := &s.peak
	mean, month := Watt(p.used*4), p.start.In(s.zone()).Format("2006-01")
	if !p.start.IsZero() && (month != p.month || mean > p.most) {
		p.most, p.month = max(0, mean), month
		s.persist(nil, SettingRow{Key: peakSetting, Value: fmt.Sprintf("%s %d", month, p.most)})
	}
	p.start, p.used = start, 0
}

func (s *Site) recoverPeak() {
	month, watts, ok := strings.Cut(s.settings[peakSetting], " ")
	if most, err := strconv.ParseInt(watts, 10, 64); ok && err == nil {
		s.peak.month, s.peak.most = month, Watt(most)
	}
}

// peakSet is the level up to which power costs nothing beyond its energy.
func (s *Site) peakSet() Watt {
	set := s.cfg.Layout.Tariff.Peak.Set
	if s.peak.month == s.now.In(s.zone()).Format("2006-01") {
		set = max(set, s.peak.most)
	}
	return set
}

// peakCap is what is left of the quarter hour's energy, as power of each supply; never
// more than the limit, so that its end releases no surge. What several supplies feed
// shares it evenly.
func (s *Site) peakCap() (caps []loadbalance.Cap) {
	limit := s.cfg.Layout.Tariff.Peak.Limit
	if limit <= 0 {
		return nil
	}
	allowed := float64(limit)
	if s.now.Sub(s.peak.start) < quarter {
		left := max(s.peak.start.Add(quarter).Sub(s.now), 15*time.Second)
		allowed = min(allowed, (float64(limit)/4-s.peak.used)/left.Hours())
	}
	supplies := 0
	for _, n := range s.nodes {
		if n.Parent == "" {
			supplies++
		}
	}
	for _, n := range s.nodes {
		if n.Parent == "" {
			caps = append(caps, loadbalance.Cap{Node: n.ID, Power: max(1, int64(allowed)/int64(supplies)), Rule: loadbalance.RulePlan})
		}
	}
	return caps
}

func (s *Site) isSupply(id loadbalance.NodeID) bool {
	for _, n := range s.nodes {
		if n.ID == id {
			return n.Parent == ""
		}
	}
	return false
}
