package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"busbar/loadbalance"
)

// Schedule is when the cars of a place, a group or a vehicle leave, and what they need.
type Schedule struct {
	ID     string
	Leaves []Leaving
	Needs  WattHour // of a whole stay; 0: unknown
}

// Leaving is a time of departure by the site's clocks.
type Leaving struct {
	Days []Weekday // none: every day
	At   TimeOfDay
}

// Vehicle is a car that is known by the tokens it charges with.
type Vehicle struct {
	ID, Name string
	Tokens   []string
	Battery  WattHour             // usable capacity; 0: unknown
	Max      loadbalance.MilliAmp // most per phase; 0: unknown
	Phases   int                  // 0: unknown
	// Needs is the energy of a whole stay, TargetSoC the percentage to charge to, which
	// counts first where the car tells its charge; 0: unknown.
	Needs     WattHour
	TargetSoC int
	Schedule  string // id; "": unknown
}

// Group is cards whose cars leave alike, listed here or by the cloud.
type Group struct {
	ID       string
	Tokens   []string
	Parent   string // the cloud's group (parentIdTag, groupIdToken); "" is none
	Needs    WattHour
	Schedule string
}

// Sharing is how current is shared where no plan holds.
type Sharing string

// The ways of sharing.
const (
	SharingLaxity Sharing = "laxity" // by the time to spare until departure
	SharingFair   Sharing = "fair"   // evenly
)

// WattHour is energy; the file says kilowatt-hours with at most three decimals.
type WattHour int64

// Weekday is a day's name in the file.
type Weekday string

// The days, Sunday first as in time.Weekday.
const (
	Sunday    Weekday = "sun"
	Monday    Weekday = "mon"
	Tuesday   Weekday = "tue"
	Wednesday Weekday = "wed"
	Thursday  Weekday = "thu"
	Friday    Weekday = "fri"
	Saturday  Weekday = "sat"
)

// On is the days as a table by time.Weekday; no days are every day.
func On(days []Weekday) (on [7]bool) {
	for i, d := range [...]Weekday{Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday} {
		on[i] = len(days) == 0 || slices.Contains(days, d)
	}
	return on
}

// TimeOfDay is hours and minutes on the clock.
type TimeOfDay time.Duration

func (t TimeOfDay) String() string {
	return fmt.Sprintf("%02d:%02d", int(time.Duration(t).Hours()), int(time.Duration(t).Minutes())%60)
}

func scheduleKind() kind[Schedule] {
	return object(
		required("id", "short name of the schedule, such as early", identifier(), func(s *Schedule) *string { return &s.ID }),
		required("leaves", "times of departure: [{days: [mon, tue, wed, thu, fri], at: \"05:30\"}]", list(leavingKind(), 1, 50), func(s *Schedule) *[]Leaving { return &s.Leaves }),
		maybe("needs_kwh", "energy that a car needs in a stay; unknown if absent", energy(1000), func(s *Schedule) *WattHour { return &s.Needs }),
	)
}

func leavingKind() kind[Leaving] {
	return object(
		maybe("days", "days it holds on; every day if absent", weekdays(), func(l *Leaving) *[]Weekday { return &l.Days }),
		required("at", "time of departure by the site's clocks, such as \"05:30\"", timeOfDay(), func(l *Leaving) *TimeOfDay { return &l.At }),
	)
}

func weekdays() kind[[]Weekday] {
	return list(enum(Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday), 1, 7)
}

func vehicleKind() kind[Vehicle] {
	return object(
		required("id", "short name of the vehicle, such as van-1", identifier(), func(v *Vehicle) *string { return &v.ID }),
		maybe("name", "name of the vehicle for people", text("a name", 1, 100), func(v *Vehicle) *string { return &v.Name }),
		required("id_tokens", "the cards and numbers it charges with, such as [\"04A1B2C3\"]", tokens(1), func(v *Vehicle) *[]string { return &v.Tokens }),
		maybe("battery_kwh", "usable capacity of its battery", energy(2000), func(v *Vehicle) *WattHour { return &v.Battery }),
		maybe("max_a", "most current it takes per phase; only plans go by it", amps(false, 6, 1000), func(v *Vehicle) *loadbalance.MilliAmp { return &v.Max }),
		maybe("phases", "number of phases it charges on; only plans go by it", integer("a number of phases", 1, 3), func(v *Vehicle) *int { return &v.Phases }),
		maybe("needs_kwh", "energy it needs in a stay; that of the schedule if absent", energy(1000), func(v *Vehicle) *WattHour { return &v.Needs }),
		maybe("target_soc", "percentage to charge to where the car tells its charge, before needs_kwh", integer("percent", 1, 100), func(v *Vehicle) *int { return &v.TargetSoC }),
		maybe("schedule", "id of the schedule it leaves by", identifier(), func(v *Vehicle) *string { return &v.Schedule }),
	)
}

func groupKind() kind[Group] {
	return object(
		required("id", "short name of the group, such as drivers", identifier(), func(g *Group) *string { return &g.ID }),
		maybe("id_tokens", "the cards of the group", tokens(1), func(g *Group) *[]string { return &g.Tokens }),
		maybe("parent", "the cloud's group of a card (parentIdTag, groupIdToken)", text("a group", 1, 36), func(g *Group) *string { return &g.Parent }),
		maybe("needs_kwh", "energy its cars need in a stay; that of the schedule if absent", energy(1000), func(g *Group) *WattHour { return &g.Needs }),
		maybe("schedule", "id of the schedule its cars leave by", identifier(), func(g *Group) *string { return &g.Schedule }),
	)
}

func tokens(least int) kind[[]string] { return list(text("an idToken", 1, 36), least, 1000) }

// energy is kilowatt-hours up to so many, above zero.
func energy(most int) kind[WattHour] {
	return kind[WattHour]{
		read: func(r *reader, n node, path string) WattHour {
			v, ok := milliAmp(n) // thousandths, whatever of
			if !ok || v <= 0 || int(v) > most*1000 {
				r.problem(path, fmt.Sprintf("must be an energy above 0 up to %d kWh as a plain number, got %s", most, n.describe()), "Write kilowatt-hours with at most three decimals, such as 40 or 7.5, without quotes and unit.")
				return 0
			}
			return WattHour(v)
		},
		write: func(v WattHour) node { return node{kind: numberNode, text: decimal(float64(v) / 1000)} },
		schema: func() schema {
			return schema{"type": "number", "exclusiveMinimum": 0, "maximum": most}
		},
	}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// number is a decimal from least to most with at most five decimals.
func number(what string, least, most float64) kind[float64] {
	pattern := regexp.MustCompile(`^-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,5})?$`)
	return kind[float64]{
		read: func(r *reader, n node, path string) float64 {
			v, err := strconv.ParseFloat(n.text, 64)
			if n.kind != numberNode || err != nil || math.IsNaN(v) || !pattern.MatchString(n.text) || v < least || v > most {
				r.problem(path, fmt.Sprintf("must be %s from %s to %s, got %s", what, decimal(least), decimal(most), n.describe()), "Write a plain number with at most five decimals, without quotes and unit.")
				return 0
			}
			return v
		},
		write: func(v float64) node { return node{kind: numberNode, text: decimal(v)} },
		schema: func() schema {
			return schema{"type": "number", "minimum": least, "maximum": most}
		},
	}
}

// timeOfDay is hours and minutes, "00:00" to "23:59".
func timeOfDay() kind[TimeOfDay] {
	const pattern = `^([01][0-9]|2[0-3]):[0-5][0-9]$`
	expression := regexp.MustCompile(pattern)
	return kind[TimeOfDay]{
		read: func(r *reader, n node, path string) TimeOfDay {
			if n.kind != textNode || !expression.MatchString(n.text) {
				r.problem(path, "must be a time of day from 00:00 to 23:59, got "+n.describe(), "Write it in quotes with four digits, such as \"05:30\".")
				return 0
			}
			hours, minutes, _ := strings.Cut(n.text, ":")
			h, _ := strconv.Atoi(hours) // both are two digits
			m, _ := strconv.Atoi(minutes)
			return TimeOfDay(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
		},
		write:  func(t TimeOfDay) node { return node{kind: textNode, text: t.String()} },
		schema: func() schema { return schema{"type": "string", "pattern": pattern} },
	}
}

// orEmpty lets a list also be written as nothing or as an empty mapping.
func orEmpty[T any](k kind[[]T]) kind[[]T] {
	read, describe := k.read, k.schema
	k.read = func(r *reader, n node, path string) []T {
		if n.kind == nullNode || n.kind == dictNode && len(n.entries) == 0 {
			return nil
		}
		return read(r, n, path)
	}
	k.schema = func() schema {
		return schema{"anyOf": []any{describe(), schema{"enum": []any{nil, schema{}}}}}
	}
	return k
}

// checkVehicles wants schedules that exist, and each token to tell one thing.
func (r *reader) checkVehicles(c *Config) {
	unique(r, "schedules", "id", len(c.Schedules), func(i int) string { return c.Schedules[i].ID })
	unique(r, "vehicles", "id", len(c.Vehicles), func(i int) string { return c.Vehicles[i].ID })
	unique(r, "authorization.groups", "id", len(c.Authorization.Groups), func(i int) string { return c.Authorization.Groups[i].ID })
	var ids []string
	for _, s := range c.Schedules {
		if s.ID != "" {
			ids = append(ids, s.ID)
		}
	}
	vehicles, groups := map[string]string{}, map[string]string{}
	for i, v := range c.Vehicles {
		path := index("vehicles", i)
		r.reference(path+".schedule", "schedules", v.Schedule, ids)
		r.distinct(vehicles, path+".id_tokens", v.Tokens, "vehicle")
		if v.TargetSoC > 0 && v.Battery == 0 && r.ok(path+".battery_kwh") {
			r.problem(path+".target_soc", "says nothing without the capacity of the battery", "Add battery_kwh, or use needs_kwh.")
		}
	}
	for i, g := range c.Authorization.Groups {
		path := index("authorization.groups", i)
		r.reference(path+".schedule", "schedules", g.Schedule, ids)
		r.distinct(groups, path+".id_tokens", g.Tokens, "group")
		if len(g.Tokens) == 0 && g.Parent == "" && r.ok(path) {
			r.problem(path, "names no card", "Add id_tokens, or parent: the cloud's group of the cards.")
		}
	}
	for i, charger := range c.Chargers {
		for j, conn := range charger.Connectors {
			r.reference(index(index("chargers", i)+".connectors", j)+".schedule", "schedules", conn.Schedule, ids)
		}
	}
}

// distinct wants each token in one list only, without regard to case.
func (r *reader) distinct(seen map[string]string, list string, tokens []string, what string) {
	for i, t := range tokens {
		path, key := index(list, i), strings.ToUpper(t)
		if other := seen[key]; other != "" {
			r.problem(path, fmt.Sprintf("%s is already at %s", quote(t), other), "A token tells one "+what+": name it once.")
		} else if t != "" {
			seen[key] = path
		}
	}
}

// Schedule finds a schedule by its id; false for "".
func (c *Config) Schedule(id string) (Schedule, bool) {
	i := slices.IndexFunc(c.Schedules, func(s Schedule) bool { return s.ID == id })
	if i < 0 {
		return Schedule{}, false
	}
	return c.Schedules[i], true
}
