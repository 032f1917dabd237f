package bench

import "embed"

//go:embed testdata/acn_caltech_2019-03.csv testdata/LICENSE-BSD-3
var public embed.FS

// acnFile is where PublicACN lies.
const acnFile = "testdata/acn_caltech_2019-03.csv"

// PublicACN reads the ACN sessions that are part of the program.
func PublicACN() ([]ACNSession, error) {
	f, err := public.Open(acnFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return ReadACN("acn_caltech_2019-03.csv", f)
}
