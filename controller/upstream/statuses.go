package upstream

import (
	"slices"
	"sync"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// statuses are what the cloud is still to be told: the newest of each slot, in the
// order in which slots changed.
type statuses struct {
	mu      sync.Mutex
	waiting []controller.SlotStatus
	last    map[controller.Slot]controller.SlotStatus // put last, sent or not
}

// put replaces what waits for the same slot.
func (s *statuses) put(st controller.SlotStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[controller.Slot]controller.SlotStatus{}
	}
	s.last[st.Slot] = st
	s.waiting = append(slices.DeleteFunc(s.waiting, func(o controller.SlotStatus) bool { return o.Slot == st.Slot }), st)
}

// again puts what was put last of a slot; false if nothing was. It never replaces
// something newer, and never says what the Site still holds back.
func (s *statuses) again(slot controller.Slot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.last[slot]
	if ok && !slices.ContainsFunc(s.waiting, func(o controller.SlotStatus) bool { return o.Slot == slot }) {
		s.waiting = append(s.waiting, st)
	}
	return ok
}

func (s *statuses) told(slot controller.Slot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.last[slot]
	return ok
}

// take removes the first one.
func (s *statuses) take() (controller.SlotStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return controller.SlotStatus{}, false
	}
	st := s.waiting[0]
	s.waiting = slices.Delete(s.waiting, 0, 1)
	return st, true
}

// restore brings back one that could not be sent, unless a newer one waits.
func (s *statuses) restore(st controller.SlotStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.waiting, func(o controller.SlotStatus) bool { return o.Slot == st.Slot }) {
		s.waiting = slices.Insert(s.waiting, 0, st)
	}
}

func statusRequest(st controller.SlotStatus) ocpp16.StatusNotificationRequest {
	req := ocpp16.StatusNotificationRequest{ConnectorID: int(st.Slot), ErrorCode: ocpp16.ChargePointErrorCode(st.ErrorCode), Status: ocpp16.ChargePointStatus(st.Status)}
	if st.ErrorCode == "" {
		req.ErrorCode = ocpp16.ChargePointErrorCodeNoError
	} else if !req.ErrorCode.Known() {
		req.ErrorCode = ocpp16.ChargePointErrorCodeOtherError
	}
	if st.Info != "" {
		req.Info = new(clip(st.Info, 50))
	}
	if !st.At.IsZero() {
		req.Timestamp = new(ocpp.NewDateTime(st.At))
	}
	if st.VendorID != "" {
		req.VendorID = new(clip(st.VendorID, 255))
	}
	if st.VendorErrorCode != "" {
		req.VendorErrorCode = new(clip(st.VendorErrorCode, 50))
	}
	return req
}

// clip cuts to most characters.
func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}
