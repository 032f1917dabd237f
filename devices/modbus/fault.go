package modbus

import (
	"errors"
	"fmt"
	"io"

	"busbar/devices"
)

// Exception is the answer of a device that can't or won't, as Modbus numbers them.
type Exception byte

// The exceptions a meter or gateway uses.
const (
	IllegalFunction   Exception = 1
	IllegalAddress    Exception = 2
	IllegalValue      Exception = 3
	DeviceFailure     Exception = 4
	Acknowledge       Exception = 5
	Busy              Exception = 6
	NegativeAnswer    Exception = 7
	MemoryParity      Exception = 8
	GatewayNoPath     Exception = 10
	GatewayNoResponse Exception = 11
)

func (e Exception) Error() string {
	switch e {
	case IllegalFunction:
		return "device does not know this function (exception 1)"
	case IllegalAddress:
		return "device has no such register (exception 2)"
	case IllegalValue:
		return "device refuses so many registers (exception 3)"
	case DeviceFailure:
		return "device failed (exception 4)"
	case Acknowledge:
		return "device needs more time (exception 5)"
	case Busy:
		return "device is busy (exception 6)"
	case GatewayNoPath:
		return "gateway has no path to the unit (exception 10)"
	case GatewayNoResponse:
		return "unit behind the gateway does not answer (exception 11)"
	}
	return fmt.Sprintf("device answered exception %d", byte(e))
}

func (e Exception) remedy() string {
	switch e {
	case IllegalFunction, IllegalAddress, IllegalValue:
		return "Check that the meter is the model that is configured."
	case GatewayNoPath:
		return "Check the unit id and the serial settings of the gateway."
	case GatewayNoResponse:
		return "Check the unit id, the bus wiring, baud rate and parity behind the gateway."
	case Acknowledge, Busy:
		return "Usually passes by itself; poll less often or end other programs that read the device."
	}
	return "Restart the meter."
}

func refused(e Exception) *devices.Fault {
	return &devices.Fault{Kind: devices.Refused, Remedy: e.remedy(), Err: e}
}

func garbled(err error) *devices.Fault { return devices.NewFault(devices.Garbled, err) }

// fault sorts an error of an exchange.
func fault(err error) *devices.Fault {
	if errors.Is(err, io.EOF) {
		return &devices.Fault{Kind: devices.Unreachable, Err: errors.New("device closed the connection"),
			Remedy: "Check whether it allows another connection; many meters accept only one or two."}
	}
	return devices.AsFault(err)
}
