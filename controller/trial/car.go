package trial

import "math"

// pilotChange is a current that a charger offers from a moment on.
type pilotChange struct {
	at   float64
	amps float64
}

// drive is the physics of one connector: the pilot, and the car that follows it after
// its dead time and at its own pace.
type drive struct {
	pilot   float64
	changes []pilotChange // not followed yet, oldest first
	aims    float64       // the pilot that the car follows now
	draws   float64       // A per phase that it charges over
}

// least is the least current a car charges with (IEC 61851-1).
const least = 6

// offer changes the pilot.
func (d *drive) offer(now, amps float64) {
	if amps == d.pilot {
		return
	}
	d.pilot = amps
	d.changes = append(d.changes, pilotChange{now, amps})
}

// step lets dt seconds pass. car is nil where none charges; slow is added to its dead
// time.
func (d *drive) step(now, dt float64, car *Car, slow float64) {
	if car == nil {
		d.draws, d.aims, d.changes = 0, d.pilot, d.changes[:0]
		return
	}
	for len(d.changes) > 0 && now-d.changes[0].at >= car.Dead+slow {
		d.aims = d.changes[0].amps
		d.changes = d.changes[:copy(d.changes, d.changes[1:])]
	}
	wants := min(d.aims-car.Under, car.Takes)
	if car.Tapers > 0 && now > car.Tapers {
		wants = min(wants, car.Takes*math.Exp((car.Tapers-now)/300))
	}
	if d.aims < least || wants < least-1.5 {
		wants = 0
	}
	switch {
	case wants < d.draws:
		d.draws = max(wants, d.draws-car.Down*dt)
	case d.draws < least && wants >= least:
		d.draws = least
	default:
		d.draws = min(wants, d.draws+car.Up*dt)
	}
}
