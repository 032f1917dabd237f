package trial

import (
	"cmp"
	"maps"
	"slices"

	"busbar/controller"
)

// journal is the box's database: what was handed to it becomes durable at once, or late,
// and what was not is lost when the box dies.
type journal struct {
	recovered controller.Recovered
	tokens    map[string]controller.TokenRow
	open      map[controller.TxID]controller.TxRow
	slots     map[controller.Slot]controller.SlotRow
	stations  map[controller.StationID]controller.StationRow
	statuses  map[controller.Slot]controller.SlotStatus
	settings  map[string]string
	profiles  []controller.ProfileRow
	outbox    []controller.OutboxRow // the cloud has not heard of them, oldest first
	waiting   []written
}

type written struct {
	at float64
	e  controller.Persist
}

// persist makes rows durable, now or when the disk gets to it.
func (j *journal) persist(w *world, e controller.Persist) {
	late := 0.0
	for i := range w.sc.Faults {
		if f := &w.sc.Faults[i]; f.Kind == FaultDisk && f.on(w.t) {
			late = f.Arg
		}
	}
	if late == 0 && len(j.waiting) == 0 {
		j.apply(e.Rows)
		w.post(controller.Committed{Seq: e.Seq})
		return
	}
	e.Rows = slices.Clone(e.Rows)
	j.waiting = append(j.waiting, written{w.t + late, e})
}

// age makes durable what is due.
func (j *journal) age(w *world) {
	for len(j.waiting) > 0 && w.t >= j.waiting[0].at {
		e := j.waiting[0].e
		j.waiting = j.waiting[1:]
		j.apply(e.Rows)
		w.post(controller.Committed{Seq: e.Seq})
	}
}

func (j *journal) crash() { j.waiting = nil }

func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

func (j *journal) apply(rows []controller.Row) {
	for _, row := range rows {
		switch row := row.(type) {
		case controller.SlotRow:
			put(&j.slots, row.Slot, row)
		case controller.StationRow:
			put(&j.stations, row.Station, row)
		case controller.TxRow:
			row.UpTx = j.open[row.Tx].UpTx
			put(&j.open, row.Tx, row)
			j.recovered.NextTx = max(j.recovered.NextTx, row.Tx+1)
		case controller.OutboxRow:
			j.outbox = append(j.outbox, row)
			if row.Kind == controller.OutboxStart {
				j.recovered.Started++
			}
		case controller.TokenRow:
			j.tokens[row.Token.Key()] = row
		case controller.ClearTokensRow:
			clear(j.tokens)
		case controller.SettingRow:
			put(&j.settings, row.Key, row.Value)
		case controller.StatusRow:
			put(&j.statuses, row.Status.Slot, row.Status)
		case controller.ProfileRow:
			j.profiles = slices.DeleteFunc(j.profiles, func(o controller.ProfileRow) bool { return o.Profile.ID == row.Profile.ID && o.Slot == row.Slot })
			if !row.Deleted {
				j.profiles = append(j.profiles, row)
			}
		}
	}
}

func (j *journal) token(t controller.IDToken) *controller.TokenRow {
	if row, ok := j.tokens[t.Key()]; ok {
		return &row
	}
	return nil
}

func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	var out []V
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// recover is what the box remembers when it starts.
func (j *journal) recover() controller.Recovered {
	r := j.recovered
	r.Slots, r.Stations, r.Statuses = sorted(j.slots), sorted(j.stations), sorted(j.statuses)
	r.Settings, r.Profiles = maps.Clone(j.settings), slices.Clone(j.profiles)
	due := map[controller.TxID]bool{}
	for _, row := range j.outbox {
		due[row.Tx] = due[row.Tx] || row.Kind != controller.OutboxMeter
	}
	for _, row := range sorted(j.open) {
		if row.Ended {
			r.Recent = append(r.Recent, row)
		} else {
			r.Open = append(r.Open, row)
		}
		if due[row.Tx] {
			r.Undelivered = append(r.Undelivered, row.Tx)
		}
	}
	return r
}

// rememberInstalled writes what an earlier life of the box had learnt.
func (w *world) rememberInstalled() {
	for _, p := range w.points {
		if p.taken {
			put(&w.journal.stations, p.id, controller.StationRow{Station: p.id, Protocol: "ocpp1.6", FailsafeInstalled: int32(p.sc.Failsafe), LastSeen: epoch})
		}
	}
}

// holds tells that the connector's transaction is known and open.
func (j *journal) holds(o *outlet) bool {
	for _, row := range j.open {
		if row.Slot == o.slot && row.MessageID == o.startID && !row.Ended {
			return true
		}
	}
	return false
}
