package controller

import (
	"testing"
	"time"
)

// TestBackButUnheard: a charger that comes back may have begun to charge meanwhile; it is
// booked until it tells its status, or has had the time to.
func TestBackButUnheard(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	sl := r.site.slotBy(1)
	may := func() bool { return r.site.demand(sl).CanStartUnasked }
	available := func() {
		r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusAvailable, ErrorCode: NoError, At: r.now})
	}
	available()
	if may() {
		t.Error("an idle connector that has told its status is booked")
	}
	r.do(ChargerGone{Station: "CP1", Generation: 1})
	r.later(time.Second)
	r.do(ChargerConnected{Station: "CP1", Generation: 2, Protocol: "ocpp1.6"})
	if !may() {
		t.Error("a charger that is back is taken for idle before it has told")
	}
	r.later(tellsWithin)
	if may() {
		t.Error("a charger that tells nothing is booked for ever")
	}
	r.do(ChargerConnected{Station: "CP1", Generation: 3, Protocol: "ocpp1.6"})
	available()
	if may() {
		t.Error("what it tells after its return does not count")
	}
}
