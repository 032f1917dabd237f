package appliance

import (
	"context"
	"errors"
	"time"

	"busbar/controller/adoption"
	"busbar/controller/pki"
	"busbar/web"
)

// access is adoption in the words of the page and its API.
type access struct{ b *Box }

var _ web.Adoption = access{}

// pageError is an error of adoption in the words of the API.
func pageError(err error) error {
	if refused, ok := errors.AsType[*adoption.Refusal](err); ok {
		return &web.RefusedError{Reason: refused.Reason, Remedy: refused.Remedy}
	}
	if refused, ok := errors.AsType[*pki.Refusal](err); ok {
		return &web.RefusedError{Reason: "the charger's certificate request is not signed: " + refused.Reason, Remedy: refused.Remedy}
	}
	return err
}

// some is a moment that may be none.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Doors implements web.Adoption.
func (a access) Doors() web.Doors {
	network, state := a.b.opts.Config.ChargerNetwork, a.b.adoption.State()
	d := web.Doors{Security: a.b.networkSecurity(), IsolatedBy: network.Isolated.By, IsolatedOn: network.Isolated.On,
		Pairing: some(state.Pairing), Lingers: state.Lingers, Pending: []web.PendingCharger{}, Refused: []web.RefusedCharger{}}
	for _, p := range a.b.adoption.Pending() {
		d.Pending = append(d.Pending, web.PendingCharger{Charger: p.Station, Remote: p.Remote, Profile: p.Profile, Protocol: p.Protocol,
			Vendor: p.Vendor, Model: p.Model, Serial: p.Serial, Firmware: p.Firmware, Since: p.Since})
	}
	for _, r := range a.b.adoption.Refusals() {
		d.Refused = append(d.Refused, web.RefusedCharger{Charger: r.Station, Remote: r.Remote, Reason: r.Reason, Remedy: r.Remedy, First: r.First, Last: r.Last, Times: r.Times})
	}
	return d
}

// networkSecurity is what protects the chargers' network: "isolated", "plain" or "tls".
func (b *Box) networkSecurity() string {
	switch {
	case !b.opts.Config.ChargerNetwork.Isolated.IsZero():
		return "isolated"
	case b.opts.Config.PlainAddress() != "":
		return "plain"
	}
	return "tls"
}

// Access implements web.Adoption.
func (a access) Access() []web.Access {
	out := []web.Access{}
	for _, s := range a.b.adoption.Standings() {
		out = append(out, web.Access{Charger: s.Station, Listed: s.Listed, Profile: s.Profile, Target: max(s.Target, s.Wanted), HasKey: s.HasKey, KeyAt: some(s.KeyAt),
			Proven: s.Proven, BreakGlass: s.BreakGlass, Former: s.Former, Serial: s.Serial, ApprovedBy: s.ApprovedBy, ApprovedAt: some(s.ApprovedAt)})
	}
	return out
}

// OpenPairing implements web.Adoption.
func (a access) OpenPairing(ctx context.Context, by string, d time.Duration) error {
	return pageError(a.b.adoption.OpenPairing(ctx, by, d))
}

// ClosePairing implements web.Adoption.
func (a access) ClosePairing(ctx context.Context, by string) error {
	return pageError(a.b.adoption.ClosePairing(ctx, by))
}

// Approve implements web.Adoption.
func (a access) Approve(ctx context.Context, by, charger string, profile int, withoutKey bool) error {
	return pageError(a.b.adoption.Approve(ctx, by, charger, adoption.Approval{Profile: profile, WithoutKey: withoutKey}))
}

// Reject implements web.Adoption.
func (a access) Reject(ctx context.Context, by, charger string) error {
	return pageError(a.b.adoption.Reject(ctx, by, charger))
}

// Forget implements web.Adoption.
func (a access) Forget(ctx context.Context, by, charger string) error {
	return pageError(a.b.adoption.Forget(ctx, by, charger))
}

// RotateKey implements web.Adoption.
func (a access) RotateKey(ctx context.Context, by, charger string) error {
	return pageError(a.b.adoption.RotateKey(ctx, by, charger))
}

// BreakGlass implements web.Adoption.
func (a access) BreakGlass(ctx context.Context, by, charger string) error {
	return pageError(a.b.adoption.EnableBreakGlass(ctx, by, charger))
}

// StartRaise implements web.Adoption.
func (a access) StartRaise(by, charger string, profile int) error {
	return pageError(a.b.adoption.StartRaise(by, charger, profile))
}

// certificateDesk is the site CA's in the words of the page and its API.
type certificateDesk struct{ b *Box }

// certificatesForPage is nil where the site has no CA.
func (b *Box) certificatesForPage() web.Certificates {
	if b.ca == nil {
		return nil
	}
	return certificateDesk{b}
}

// Roots implements web.Certificates.
func (c certificateDesk) Roots() []web.RootCertificate {
	var out []web.RootCertificate
	for _, r := range c.b.adoption.Roots() {
		out = append(out, web.RootCertificate{Algorithm: string(r.Algorithm), Name: r.Name, Fingerprint: r.Fingerprint, NotAfter: r.NotAfter, PEM: r.PEM})
	}
	return out
}

// Given implements web.Certificates.
func (c certificateDesk) Given(ctx context.Context) ([]web.ChargerCertificate, error) {
	given, err := c.b.adoption.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]web.ChargerCertificate, 0, len(given))
	for _, g := range given {
		out = append(out, web.ChargerCertificate{Serial: g.Serial, Charger: g.Station, Name: g.Name, Fingerprint: g.Fingerprint,
			NotBefore: g.NotBefore, NotAfter: g.NotAfter, RevokedAt: some(g.RevokedAt), Reason: g.Reason})
	}
	return out, nil
}

// Revoke implements web.Certificates.
func (c certificateDesk) Revoke(ctx context.Context, by, serial, reason string) error {
	return pageError(c.b.adoption.RevokeCertificate(ctx, by, serial, reason))
}
