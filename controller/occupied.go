package controller

// StatusOccupied is what a 2.x charger reports of a connector with a car (P2
// ConnectorStatusEnumType). With the state of the transaction it becomes one of the
// finer statuses of 1.6 (ocpp-gateway 5.5); it is never a slot's own status.
const StatusOccupied ConnectorStatus = "Occupied"

// charges takes the charging state of an event.
func (s *Site) charges(sl *slot, ev TxReported) {
	if sl == nil || ev.Charging == "" {
		return
	}
	sl.charging2 = ev.Charging
	if ev.Charging != ChargingIdle {
		sl.occupied = true
	}
	s.refreshStatus(sl)
}

// refreshStatus works out the status of an occupied connector anew.
func (s *Site) refreshStatus(sl *slot) {
	if sl == nil || !sl.occupied {
		return
	}
	status := sl.status
	status.Slot, status.Status, status.At = sl.number, s.whileOccupied(sl), s.now
	if status.ErrorCode == "" {
		status.ErrorCode = NoError
	}
	s.takeStatus(sl, status)
}

// whileOccupied is the 1.6 status of a connector with a car.
func (s *Site) whileOccupied(sl *slot) ConnectorStatus {
	switch {
	case sl.tx == nil && sl.finished:
		return StatusFinishing
	case sl.tx == nil:
		return StatusPreparing
	}
	switch sl.charging2 {
	case ChargingCharging:
		return StatusCharging
	case ChargingSuspendedEVSE:
		return StatusSuspendedEVSE
	case ChargingSuspendedEV, ChargingIdle:
		return StatusSuspendedEV
	}
	if sl.lim.present(s.now, sl.failsafe()) >= sl.layout.Min { // a current is offered, the car does not take it
		return StatusSuspendedEV
	}
	return StatusSuspendedEVSE
}

// plugChanged takes the status a 2.x charger reports; the returned one is a slot's.
func (s *Site) plugChanged(sl *slot, reported ConnectorStatus) ConnectorStatus {
	sl.occupied = reported == StatusOccupied
	if !sl.occupied {
		sl.finished, sl.charging2 = false, ""
		return reported
	}
	return s.whileOccupied(sl)
}

// flows tells that a 2.x charger lets a car draw energy, identified or not.
func (sl *slot) flows() bool {
	return sl.charging2 == ChargingCharging || sl.charging2 == ChargingSuspendedEV || sl.charging2 == ChargingSuspendedEVSE
}
