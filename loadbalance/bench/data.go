package bench

import "embed"

//go:embed testdata/acn_caltech_2019-03.csv testdata/tariff_sce_tou_ev_4_2019.json testdata/office_pv_march.csv testdata/LICENSE-BSD-3
var public embed.FS

// Where the public data lie.
const (
	acnFile    = "testdata/acn_caltech_2019-03.csv"
	tariffFile = "testdata/tariff_sce_tou_ev_4_2019.json"
	officeFile = "testdata/office_pv_march.csv"
)

// PublicACN reads the ACN sessions that are part of the program.
func PublicACN() ([]ACNSession, error) {
	f, err := public.Open(acnFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return ReadACN("acn_caltech_2019-03.csv", f)
}

// publicTariff reads the tariff that is part of the program.
func publicTariff() (Tariff, error) {
	f, err := public.Open(tariffFile)
	if err != nil {
		return Tariff{}, err
	}
	defer func() { _ = f.Close() }()
	return ReadTariff("tariff_sce_tou_ev_4_2019.json", f)
}

// inverter is the part of the panels' direct current that reaches the site.
const inverter = .96

// publicOffice is an office less its panels in the half hours from 1 March on, kW.
func publicOffice() ([]float64, error) {
	f, err := public.Open(officeFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	c, err := newColumns("office_pv_march.csv", f, "office_kw", "pv_dc_kw")
	if err != nil {
		return nil, err
	}
	var out []float64
	for c.next() {
		out = append(out, c.float("office_kw")-inverter*c.float("pv_dc_kw"))
	}
	return out, c.err
}
