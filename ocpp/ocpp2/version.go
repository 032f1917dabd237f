package ocpp2

import "busbar/ocpp"

// KnownIn is Known for the actions that version p has, as ocpp.NewMux takes it.
func KnownIn(p ocpp.Protocol) func(action string) (ocpp.Role, bool) {
	return func(action string) (ocpp.Role, bool) {
		if p < ocpp.V21 && isNew(action) {
			return 0, false
		}
		return Known(action)
	}
}

// pick is the limit of the version that is spoken.
func pick(newer bool, old, current int) int {
	if newer {
		return current
	}
	return old
}
