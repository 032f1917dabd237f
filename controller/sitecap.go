package controller

import (
	"slices"
	"time"

	"busbar/loadbalance"
)

// siteCap is the cloud's cap on the station's current, if one holds at that time.
func (s *Site) siteCap(at time.Time) (loadbalance.MilliAmp, bool) {
	all := wires{volts: s.cfg.Layout.NominalV, set: loadbalance.AllPhases}
	if len(s.supplies) > 0 {
		all = s.wires(s.supplies[0].node, loadbalance.AllPhases)
	}
	return s.leading(at, PurposeStationMax, func(p *siteProfile) bool { return p.slot == 0 }, s.bootAt, all)
}

// stationIndex is the place in supplies of the one above a virtual node.
func (s *Site) stationIndex(node loadbalance.NodeID) int {
	return slices.IndexFunc(s.supplies, func(p *supply) bool { return p.station == node })
}

// capTurn is how long a supply that a small cap leaves nothing waits for its turn.
const capTurn = 15 * time.Minute

// shareCap is what of a cap each supply's chargers may have at a time, in the order of
// supplies: by what those with a car may draw at most. A share that no car can charge with
// is given to the others, in turns.
func (s *Site) shareCap(limit loadbalance.MilliAmp, at time.Time) []loadbalance.MilliAmp {
	shares := make([]loadbalance.MilliAmp, len(s.supplies))
	if len(shares) == 1 {
		shares[0] = limit
		return shares
	}
	wants, sum := make([]int64, len(shares)), int64(0)
	for _, sl := range s.slots {
		if sl.station == nil || sl.state != SlotActive || sl.tx == nil && !sl.startExpected(s.now) {
			continue
		}
		for i, p := range s.supplies {
			if s.hangsBelow(sl.node, p.node) {
				wants[i] += int64(sl.layout.Max)
				sum += int64(sl.layout.Max)
			}
		}
	}
	var asking []int
	for i, w := range wants {
		if w > 0 {
			asking = append(asking, i)
		}
	}
	turn := int(at.Unix() / int64(capTurn/time.Second))
	for len(asking) > 0 {
		least := limit
		for _, i := range asking {
			shares[i] = loadbalance.MilliAmp(int64(limit) * wants[i] / sum)
			least = min(least, shares[i])
		}
		if least >= 6*loadbalance.Amp || len(asking) == 1 {
			return shares
		}
		k := turn % len(asking)
		shares[asking[k]], sum = 0, sum-wants[asking[k]]
		asking = slices.Delete(asking, k, k+1)
	}
	for i := range shares { // nobody asks: whoever comes begins with the same
		shares[i] = limit / loadbalance.MilliAmp(len(shares))
	}
	return shares
}

// siteCaps are the caps of this pass. What a supply's chargers still draw beyond their
// share is taken off the others until they have come down.
func (s *Site) siteCaps(caps []loadbalance.Cap) []loadbalance.Cap {
	limit, ok := s.siteCap(s.now)
	if !ok {
		return caps
	}
	shares := s.shareCap(limit, s.now)
	for i, p := range s.supplies {
		own := shares[i]
		for k, other := range s.supplies {
			if k != i {
				b := s.nodeState(other.station).Booked
				own -= max(0, b[0]-shares[k], b[1]-shares[k], b[2]-shares[k])
			}
		}
		caps = append(caps, loadbalance.Cap{Node: p.station, Limit: loadbalance.Uniform(max(0, own)), Rule: loadbalance.RuleSiteCap})
	}
	return caps
}
