package devicesim

import (
	"math"

	"busbar/devices"
)

// Truth is what really flows where a simulated meter is.
type Truth struct {
	Current      [3]float64 // A, rms, import positive
	Voltage      [3]float64 // V, phase to neutral
	Power        [3]float64 // W; all 0: current times voltage
	Frequency    float64    // Hz; 0: 50
	EnergyImport float64    // kWh
	EnergyExport float64    // kWh
}

// value is the measurand of a truth as a meter sees it whose current has a sign or not.
func (t Truth) value(m devices.Measurand, signedCurrent bool) float64 {
	switch m {
	case devices.Frequency:
		if t.Frequency == 0 {
			return 50
		}
		return t.Frequency
	case devices.EnergyImport:
		return t.EnergyImport
	case devices.EnergyExport:
		return t.EnergyExport
	case devices.Power:
		return t.power(0) + t.power(1) + t.power(2)
	case devices.PowerImport:
		return max(0, t.value(devices.Power, signedCurrent))
	case devices.PowerExport:
		return max(0, -t.value(devices.Power, signedCurrent))
	}
	p, _ := m.Phased()
	switch m - devices.Measurand(p) {
	case devices.VoltageL1:
		return t.Voltage[p]
	case devices.CurrentL1:
		if signedCurrent {
			return t.Current[p]
		}
		return math.Abs(t.Current[p])
	case devices.PowerL1:
		return t.power(p)
	case devices.PowerImportL1:
		return max(0, t.power(p))
	case devices.PowerExportL1:
		return max(0, -t.power(p))
	}
	return math.NaN()
}

func (t Truth) power(p devices.Phase) float64 {
	if t.Power == [3]float64{} {
		return t.Current[p] * t.Voltage[p]
	}
	return t.Power[p]
}

// flipped is the truth with import and export exchanged, as a meter shows it that is
// mounted upside down.
func (t Truth) flipped() Truth {
	t.Power = [3]float64{-t.power(0), -t.power(1), -t.power(2)}
	for p := range t.Current {
		t.Current[p] = -t.Current[p]
	}
	t.EnergyImport, t.EnergyExport = t.EnergyExport, t.EnergyImport
	return t
}
