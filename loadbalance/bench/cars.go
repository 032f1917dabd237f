package bench

import (
	"math"
	"math/rand/v2"
)

// Cars is how the cars of a run follow their setpoints.
type Cars uint8

// The kinds of cars.
const (
	// IdealCars draw their setpoint at once, up to their Imax. The bounds and the plain
	// policies reckon with them.
	IdealCars Cars = iota
	// FollowingCars have their CarModel: dead time, ramps, a current below the offer,
	// a limit of their own, a late start. Sessions without one are given a dead time of
	// 1 to 6 s and a ramp of 1 to 4 A/s.
	FollowingCars
)

// car is one plugged-in car on its charger.
type car struct {
	session *Session
	model   CarModel
	most    float64 // A it draws at most
	since   float64 // s, plugged in
	offer   float64 // A, the charger's pilot
	offerAt float64 // s
	draws   float64 // A
}

// newCar plugs in a car. The seed makes up models that the workload lacks.
func newCar(s *Session, kind Cars, number int) car {
	c := car{session: s, most: s.Imax, since: float64(s.Arrive), offerAt: math.Inf(-1)}
	if kind == IdealCars {
		return c
	}
	c.model, c.most = s.Car, s.EVCap
	if c.model == (CarModel{}) {
		r := rand.New(rand.NewPCG(uint64(number), 1))
		c.model = CarModel{Dead: 1 + 5*r.Float64(), Up: 1 + 3*r.Float64(), Down: 4 + 12*r.Float64()}
	}
	return c
}

// tell gives a new offer.
func (c *car) tell(now, amps float64) {
	if amps != c.offer {
		c.offer, c.offerAt = amps, now
	}
}

// move lets dt seconds before now pass and leaves the new current in draws.
func (c *car) move(now, dt float64, full bool) {
	aim := 0.
	switch {
	case full || now < c.since+c.model.StartDelay:
	case c.model.Behaviour == Ignores && c.draws > 0:
		aim = max(c.offer, c.draws) // it never comes down
	case c.offer >= c.session.Min:
		aim = max(0, min(c.offer-c.model.Underuse, c.most))
	}
	if now < c.offerAt+c.model.Dead && !full {
		aim = min(aim, c.draws)
		if c.offer < c.draws {
			aim = c.draws
		}
	}
	switch {
	case aim < c.draws && c.model.Down > 0:
		c.draws = max(aim, c.draws-c.model.Down*dt)
	case aim > c.draws && c.model.Up > 0:
		c.draws = min(aim, max(c.draws, min(aim, 6))+c.model.Up*dt)
	default:
		c.draws = aim
	}
}
