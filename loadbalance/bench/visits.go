package bench

import "math"

func clip(v, low, high float64) float64 { return max(low, min(high, v)) }

// visits draws the visits of one day: arrival in hours of the day, stay, energy. The
// order of the draws is part of the format.
func (k Kind) visits(t *twister, day int, connectors float64) []visit {
	weekday := day%7 < 5
	var out []visit
	switch k {
	case Workplace:
		share := .29
		if weekday {
			share = .83
		}
		for range t.poisson(connectors * share) {
			out = append(out, workplaceVisit(t, weekday))
		}
	case Public:
		for range t.poisson(connectors * .55) {
			out = append(out, publicVisit(t, weekday))
		}
	case Apartment:
		for range t.poisson(connectors * 2.5 / 7) {
			out = append(out, apartmentVisit(t))
		}
	case Depot:
		share := .6
		if weekday {
			share = .95
		}
		for range int(connectors * share) {
			arrive := t.gauss(20.5, 1.6)
			stay := max(4.5, 24+t.gauss(6, .8)-arrive)
			out = append(out, visit{arrive: arrive, stay: stay, kwh: clip(t.gauss(190, 55), 40, 420)})
		}
	default:
		panic("bench: unknown kind of site " + string(k))
	}
	return out
}

func workplaceVisit(t *twister, weekday bool) visit {
	u := t.random()
	var arrive, stay float64
	switch {
	case !weekday:
		arrive = clip(t.gauss(12.6, 3.6), 5.5, 22)
		stay = t.lognormal(2.8, .9)
	case u < .58:
		arrive = t.gauss(8.3, .9)
		stay = t.gauss(8.3, 2)
	case u < .80:
		arrive = t.uniform(9.5, 15.5)
		stay = t.lognormal(3.4, .6)
	default:
		arrive = t.gauss(17.9, 1.6)
		stay = t.lognormal(2, .9)
	}
	return visit{arrive: arrive, stay: clip(stay, .4, 20), kwh: clip(math.Exp(t.gauss(1.80, .95)), .4, 60)}
}

func publicVisit(t *twister, weekday bool) visit {
	u := t.random()
	evening := .70
	if weekday {
		evening = .75
	}
	var arrive, stay float64
	switch {
	case weekday && u < .40:
		arrive = t.gauss(8.85, .8)
		stay = max(.5, t.gauss(17.2, 1)-arrive)
	case u < evening && weekday:
		arrive = t.gauss(13, 3.5)
		stay = t.lognormal(2, .7)
	case u < evening:
		arrive = t.gauss(13.75, 2.5)
		stay = t.lognormal(2, .7)
	default:
		arrive = t.gauss(18.3, 1.5)
		stay = t.gauss(13, 2)
	}
	return visit{arrive: arrive, stay: clip(stay, .3, 24), kwh: clip(8.4*math.Exp(t.gauss(-.32, .8)), .5, 60)}
}

func apartmentVisit(t *twister) visit {
	var arrive, depart float64
	if t.random() < .8 {
		arrive = t.gauss(17.5, 2.2)
	} else {
		arrive = t.uniform(8, 23)
	}
	if t.random() < .85 {
		depart = 24 + t.gauss(7.5, 1)
	} else {
		depart = arrive + t.lognormal(4, .6)
	}
	return visit{arrive: arrive, stay: clip(depart-arrive, .5, 30), kwh: clip(t.lognormal(11, .7), 1, 70)}
}
