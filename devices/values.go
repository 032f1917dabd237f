package devices

import "math"

// Measurand is one quantity a device gives, in the unit that its name says.
type Measurand uint8

// The measurands. Those with three phases are consecutive, so that
// CurrentL1 + Measurand(phase) is the current of that phase.
const (
	VoltageL1 Measurand = iota // V, phase to neutral
	VoltageL2
	VoltageL3
	CurrentL1 // A
	CurrentL2
	CurrentL3
	PowerL1 // W, import positive
	PowerL2
	PowerL3
	PowerImportL1 // W, for meters with one register per direction
	PowerImportL2
	PowerImportL3
	PowerExportL1
	PowerExportL2
	PowerExportL3
	Power // W, total, import positive
	PowerImport
	PowerExport
	Frequency    // Hz
	EnergyImport // kWh
	EnergyExport // kWh
	measurands
)

var names = [measurands]string{
	"voltage_l1", "voltage_l2", "voltage_l3", "current_l1", "current_l2", "current_l3",
	"power_l1", "power_l2", "power_l3",
	"power_import_l1", "power_import_l2", "power_import_l3",
	"power_export_l1", "power_export_l2", "power_export_l3",
	"power", "power_import", "power_export", "frequency", "energy_import", "energy_export",
}

// String is the measurand's name in catalogues and configurations: "current_l1".
func (m Measurand) String() string {
	if m >= measurands {
		return "unknown"
	}
	return names[m]
}

// ParseMeasurand finds a measurand by its name.
func ParseMeasurand(name string) (Measurand, bool) {
	for m, n := range names {
		if n == name {
			return Measurand(m), true
		}
	}
	return 0, false
}

// Phased reports whether m belongs to one phase, and to which.
func (m Measurand) Phased() (Phase, bool) {
	if m >= Power {
		return 0, false
	}
	return Phase(m % 3), true
}

// Values are what a device said, scaled, before it is known whether they make sense.
// The zero value is empty.
type Values struct {
	v   [measurands]float64
	has uint32
}

// Set keeps a value; a number that is not finite counts as said but unusable, which
// Assemble reports.
func (v *Values) Set(m Measurand, x float64) {
	v.v[m] = x
	v.has |= 1 << m
}

// Drop forgets a value.
func (v *Values) Drop(m Measurand) {
	v.v[m] = 0
	v.has &^= 1 << m
}

// Get returns a value and whether it was given.
func (v *Values) Get(m Measurand) (float64, bool) {
	return v.v[m], v.has&(1<<m) != 0
}

// finite returns a value that was given and is a number; else 0 and false.
func (v *Values) finite(m Measurand) (float64, bool) {
	x, ok := v.Get(m)
	if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, false
	}
	return x, true
}

// net is a power with direction: one signed value, or the difference of two.
func (v *Values) net(signed, in, out Measurand) (float64, bool) {
	if x, ok := v.finite(signed); ok {
		return x, true
	}
	x, okIn := v.finite(in)
	y, okOut := v.finite(out)
	return x - y, okIn && okOut
}
