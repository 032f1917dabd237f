package devicesim

import (
	"testing"

	"busbar/devices"
)

func TestTruthAsAMeterShowsIt(t *testing.T) {
	truth := Truth{Current: [3]float64{6, -10, 0}, Voltage: [3]float64{230, 230, 230}, EnergyImport: 5}
	cases := []struct {
		m      devices.Measurand
		signed bool
		want   float64
	}{
		{devices.CurrentL2, false, 10},
		{devices.CurrentL2, true, -10},
		{devices.PowerL2, false, -2300},
		{devices.PowerImportL2, false, 0},
		{devices.PowerExportL2, false, 2300},
		{devices.Power, false, -920},
		{devices.PowerExport, false, 920},
		{devices.PowerImport, false, 0},
		{devices.VoltageL3, false, 230},
		{devices.Frequency, false, 50},
		{devices.EnergyImport, false, 5},
	}
	for _, c := range cases {
		if got := truth.value(c.m, c.signed); got != c.want {
			t.Errorf("%s is %v, want %v", c.m, got, c.want)
		}
	}
	if flipped := truth.flipped(); flipped.value(devices.Power, true) != 920 || flipped.EnergyExport != 5 || flipped.Current[0] != -6 {
		t.Errorf("upside down: %+v", flipped)
	}
}
