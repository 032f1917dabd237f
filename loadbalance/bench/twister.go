package bench

import (
	"crypto/sha512"
	"math"
	"slices"
)

// twister draws the numbers that Python's random.Random draws from the same seed, so
// that generated workloads are the published ones to the byte: the Mersenne Twister
// MT19937 of Matsumoto and Nishimura, seeded by key as Python's version 2 does.
type twister struct {
	state [624]uint32
	next  int
	spare float64 // second number of the last pair of gauss
	has   bool
}

// newTwister seeds from a text.
func newTwister(text string) *twister {
	sum := sha512.Sum512([]byte(text))
	number := append([]byte(text), sum[:]...) // big-endian
	slices.Reverse(number)
	var key []uint32
	for i, b := range number {
		if i%4 == 0 {
			key = append(key, 0)
		}
		key[i/4] |= uint32(b) << (8 * (i % 4))
	}
	t := &twister{}
	t.seedByKey(key)
	return t
}

func (t *twister) seedByKey(key []uint32) {
	const n = len(t.state)
	s := &t.state
	s[0] = 19650218
	for i := 1; i < n; i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i)
	}
	i, j := 1, 0
	step := func() {
		if i++; i >= n {
			s[0] = s[n-1]
			i = 1
		}
	}
	for range max(n, len(key)) {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + key[j] + uint32(j)
		if j++; j >= len(key) {
			j = 0
		}
		step()
	}
	for range n - 1 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		step()
	}
	s[0] = 1 << 31
	t.next = n
}

func (t *twister) word() uint32 {
	const n, m = len(t.state), 397
	if t.next >= n {
		for i := range t.state {
			y := t.state[i]&(1<<31) | t.state[(i+1)%n]&(1<<31-1)
			t.state[i] = t.state[(i+m)%n] ^ y>>1 ^ (y&1)*0x9908b0df
		}
		t.next = 0
	}
	y := t.state[t.next]
	t.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// random is uniform in [0, 1) with 53 bits.
func (t *twister) random() float64 {
	a, b := t.word()>>5, t.word()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

func (t *twister) uniform(low, high float64) float64 { return low + (high-low)*t.random() }

func (t *twister) gauss(mean, deviation float64) float64 {
	z := t.spare
	if t.has = !t.has; t.has {
		angle := t.random() * (2 * math.Pi)
		radius := math.Sqrt(-2 * math.Log(1-t.random()))
		z, t.spare = math.Cos(angle)*radius, math.Sin(angle)*radius
	}
	return mean + z*deviation
}

func (t *twister) expovariate(rate float64) float64 { return -math.Log(1-t.random()) / rate }

// below is uniform in 0 to n-1, by throwing away what lies above.
func (t *twister) below(n int) int {
	bits := 0
	for v := n; v > 0; v >>= 1 {
		bits++
	}
	for {
		if r := int(t.word() >> (32 - bits)); r < n {
			return r
		}
	}
}

// weighted is one of 0 to len(weights)-1.
func (t *twister) weighted(weights ...float64) int {
	total := 0.
	for _, w := range weights {
		total += w
	}
	at, sum := t.random()*total, 0.
	for i, w := range weights[:len(weights)-1] {
		if sum += w; at < sum {
			return i
		}
	}
	return len(weights) - 1
}

// lognormal has the given median.
func (t *twister) lognormal(median, deviation float64) float64 {
	return median * math.Exp(t.gauss(0, deviation))
}

// poisson is a count with the given mean; a normal one where the mean is large.
func (t *twister) poisson(mean float64) int {
	if mean > 60 {
		return max(0, int(t.gauss(mean, math.Sqrt(mean))+.5))
	}
	least, p := math.Exp(-mean), 1.
	for k := 0; ; k++ {
		if p *= t.random(); p <= least {
			return k
		}
	}
}
