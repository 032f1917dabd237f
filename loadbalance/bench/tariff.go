package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Tariff is what energy and the highest quarter hour cost, as acnportal's files have it.
type Tariff struct {
	Name     string   `json:"name"`
	Schedule []season `json:"schedule"`
}

// season is the part of a tariff that holds on some days.
type season struct {
	ID      string    `json:"id"`
	From    string    `json:"effective_start"` // "10-01"
	To      string    `json:"effective_end"`   // the last day; before From over the turn of the year
	Days    string    `json:"dow_mask"`        // WEEKDAYS or WEEKENDS
	Hours   []int     `json:"times"`           // from which the price of the same index holds
	Prices  []float64 `json:"tariffs"`         // $/kWh
	PerPeak float64   `json:"demand_charge"`   // $ for each kW of the month's highest quarter hour
}

// ReadTariff reads a tariff in JSON.
func ReadTariff(name string, r io.Reader) (Tariff, error) {
	var t Tariff
	if err := json.NewDecoder(r).Decode(&t); err != nil {
		return t, fmt.Errorf("cannot read the tariff %s: %w", name, err)
	}
	for _, s := range t.Schedule {
		if len(s.Hours) == 0 || len(s.Hours) != len(s.Prices) || s.Hours[0] != 0 || !slices.IsSorted(s.Hours) {
			return t, fmt.Errorf("cannot use the tariff %s: %q needs one price for each time, the first at 0", name, s.ID)
		}
	}
	for day := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2019; day = day.AddDate(0, 0, 1) {
		if t.at(day) == nil {
			return t, fmt.Errorf("cannot use the tariff %s: nothing holds on %s", name, day.Format("Monday, 2 January"))
		}
	}
	return t, nil
}

// at is the part that holds at a time, nil: none.
func (t *Tariff) at(when time.Time) *season {
	day := when.Format("01-02")
	weekend := when.Weekday() == time.Saturday || when.Weekday() == time.Sunday
	i := slices.IndexFunc(t.Schedule, func(s season) bool {
		within := s.From <= day && day <= s.To
		if s.From > s.To {
			within = s.From <= day || day <= s.To
		}
		return within && (s.Days == "WEEKENDS") == weekend
	})
	if i < 0 {
		return nil
	}
	return &t.Schedule[i]
}

// Price is what a kWh costs at a time, $.
func (t *Tariff) Price(when time.Time) float64 {
	s := t.at(when)
	i := len(s.Hours) - 1
	for s.Hours[i] > when.Hour() {
		i--
	}
	return s.Prices[i]
}

// PerPeak is what each kW of a month's highest quarter hour costs, $.
func (t *Tariff) PerPeak(when time.Time) float64 { return t.at(when).PerPeak }
