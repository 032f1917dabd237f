package adoption

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The pairing window.
const (
	DefaultPairing = 15 * time.Minute
	MaxPairing     = 2 * time.Hour
)

// turnedAwayFor is how long a charger that was turned away stays away.
const turnedAwayFor = time.Hour

// closePolicy is the WebSocket close code for a charger that may not stay (RFC 6455
// §7.4.1).
const closePolicy = 1008

// Pending is an unknown charger that waits for approval.
type Pending struct {
	Station, Remote         string
	Profile                 int // of the port it came by
	Protocol                string
	Vendor, Model, Firmware string // "" before its boot
	Serial                  string
	Since                   time.Time
}

// State is how the chargers' network stands, for the page.
type State struct {
	Isolated bool      // signed off: no TLS needed
	Plain    bool      // the port without TLS is open for good
	Pairing  time.Time // until when unknown chargers may come; zero: no window
	Lingers  bool      // the port without TLS is still open for chargers on their way to TLS
	Waiting  int
}

// State tells how the chargers' network stands.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := State{Isolated: s.cfg.Isolated, Plain: s.cfg.Plain, Waiting: s.strangersLocked("")}
	if time.Now().Before(s.until) {
		st.Pairing = s.until
	}
	st.Lingers = s.plain != nil && st.Pairing.IsZero()
	return st
}

// OpenPairing lets unknown chargers come for d (15 min if 0, at most 2 h), also without
// TLS, and forgets who was turned away. A window that is open is prolonged or cut to d.
func (s *Service) OpenPairing(ctx context.Context, by string, d time.Duration) error {
	switch {
	case d == 0:
		d = DefaultPairing
	case d < time.Minute || d > MaxPairing:
		return &Refusal{fmt.Sprintf("%v is no time for a pairing window", d), "Choose 1 minute to 2 hours."}
	}
	if err := s.audit(ctx, by, "", "adoption.pairing", fmt.Sprintf("unknown chargers may come for %v, also without TLS", d)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plain == nil && s.cfg.OpenPlain != nil {
		door, err := s.cfg.OpenPlain()
		if err != nil {
			return fmt.Errorf("cannot open the pairing window: %w", err)
		}
		s.plain = door
	}
	s.until = time.Now().Add(d)
	clear(s.turned)
	s.poke()
	return nil
}

// ClosePairing ends the window.
func (s *Service) ClosePairing(ctx context.Context, by string) error {
	if err := s.audit(ctx, by, "", "adoption.pairing", "the pairing window is closed"); err != nil {
		return err
	}
	s.mu.Lock()
	s.until = time.Time{}
	s.mu.Unlock()
	s.poke()
	return nil
}

// Pending are the unknown chargers that wait, the first that came first.
func (s *Service) Pending() []Pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Pending
	for station, l := range s.links {
		if l.stranger && l.alive() {
			out = append(out, Pending{Station: station, Remote: l.conn.Remote(), Profile: l.profile, Protocol: string(l.conn.Protocol()),
				Vendor: l.vendor, Model: l.model, Firmware: l.firmware, Serial: l.serial, Since: l.since})
		}
	}
	slices.SortFunc(out, func(a, b Pending) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Station, b.Station)) })
	return out
}

// Approval is how an unknown charger is let in.
type Approval struct {
	// Profile is the security profile it is to use in the end; 0: the one of the port it
	// came by.
	Profile int
	// WithoutKey lets it in without a password, as security profile 0. That is possible in
	// an isolated network only.
	WithoutKey bool
}

// Approve gives an unknown charger a key of its own and lets it in. It may be repeated
// when it failed half-way. The error is a *Refusal when the charger or the state of
// the network is at fault.
func (s *Service) Approve(ctx context.Context, by, station string, a Approval) error {
	end, err := s.begin(station)
	if err != nil {
		return err
	}
	defer end()
	l, err := s.link(station)
	if err != nil {
		return err
	}
	c, _, known := s.standing(station)
	half := known && c.Key != "" && !s.cfg.Known(station) // the key is there, the Site was not told
	switch {
	case !l.stranger && !half:
		return &Refusal{"the charger is not waiting for approval", "Nothing has to be done."}
	case a.Profile != 0 && a.Profile < l.profile || a.Profile > 3:
		return &Refusal{fmt.Sprintf("security profile %d is below the one the charger has", a.Profile), fmt.Sprintf("Choose %d or higher.", l.profile)}
	case a.WithoutKey && (!s.cfg.Isolated || l.profile != 1 || a.Profile > 1):
		return &Refusal{"a charger without a key is possible only without TLS in an isolated network", "Sign the network off as charger_network.isolated, or approve the charger with a key."}
	}
	if err := s.audit(ctx, by, station, "adoption.approved", fmt.Sprintf("the charger from %s is let in, serial number %q", l.conn.Remote(), l.serial)); err != nil {
		return err
	}
	if !half {
		if err := s.admitForGood(ctx, by, station, l, a); err != nil {
			return err
		}
	}
	if err := s.cfg.Decide(ctx, station, true); err != nil {
		return fmt.Errorf("cannot let the charger in; approve it again: %w", err)
	}
	s.mu.Lock()
	l.stranger = false
	s.mu.Unlock()
	return nil
}

// admitForGood makes the record of a charger, and sends its key where it has one.
func (s *Service) admitForGood(ctx context.Context, by, station string, l *link, a Approval) error {
	record := func(c *Credential) {
		c.Profile, c.Serial, c.ApprovedBy, c.ApprovedAt = l.profile, l.serial, by, time.Now()
		if a.Profile > l.profile {
			c.Wanted = a.Profile
		}
	}
	if a.WithoutKey || l.profile == 3 {
		_, err := s.change(ctx, station, func(c *Credential) {
			record(c)
			if a.WithoutKey {
				c.Profile = 0
			}
		})
		return err
	}
	return s.giveKey(ctx, station, l, Former{Kind: FormerOpen}, record)
}

// Reject turns an unknown charger away, for an hour or until a new window opens.
func (s *Service) Reject(ctx context.Context, by, station string) error {
	l, err := s.link(station)
	if err != nil {
		return err
	}
	if !l.stranger {
		return &Refusal{"the charger is not waiting for approval", "Use forget to take a charger's access away."}
	}
	if err := s.audit(ctx, by, station, "adoption.rejected", "the charger from "+l.conn.Remote()+" is turned away"); err != nil {
		return err
	}
	s.mu.Lock()
	s.turned[station] = time.Now().Add(turnedAwayFor)
	s.mu.Unlock()
	err = s.cfg.Decide(ctx, station, false)
	l.conn.Close(closePolicy, "turned away by the operator")
	return err
}

// Forget takes a charger's key away, revokes its certificates and ends its connection:
// it is unknown from then on, or what the configuration says of it counts again.
func (s *Service) Forget(ctx context.Context, by, station string) error {
	end, err := s.begin(station)
	if err != nil {
		return err
	}
	defer end()
	if _, _, known := s.standing(station); !known {
		return &Refusal{"the charger is unknown", "Nothing has to be done."}
	}
	if err := s.audit(ctx, by, station, "adoption.forgotten", "the charger's key is forgotten, its certificates are revoked"); err != nil {
		return err
	}
	if s.cfg.Authority != nil {
		if _, err := s.cfg.Authority.RevokeStation(ctx, station, "the charger was forgotten"); err != nil {
			return err
		}
	}
	if err := s.drop(ctx, station); err != nil {
		return err
	}
	if l, err := s.link(station); err == nil {
		l.conn.Close(closePolicy, "the charger has to be approved again")
	}
	return nil
}

// drop deletes a record.
func (s *Service) drop(ctx context.Context, station string) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	if err := s.cfg.Vault.DeleteCredential(ctx, station); err != nil {
		return fmt.Errorf("cannot forget the credential of %s: %w", station, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, station)
	delete(s.unsaved, station)
	delete(s.stale, station)
	return nil
}

// Standing is how a charger comes in, for the page. It holds no secret.
type Standing struct {
	Credential
	// Listed: it is in the configuration. HasKey: it has a key of its own.
	Listed, HasKey bool
	// Former: what was valid before its key may be made valid again, see EnableBreakGlass.
	Former bool
}

// Standings are all chargers that are known, by their identity.
func (s *Service) Standings() []Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := slices.Collect(maps.Keys(s.listed))
	for id := range s.records {
		if _, twice := s.listed[id]; !twice {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	out := make([]Standing, 0, len(ids))
	for _, id := range ids {
		c, listed, known := s.standingLocked(id)
		if !known {
			continue
		}
		st := Standing{Credential: c, Listed: listed.ID != "", HasKey: c.Key != "", Former: c.formerLeft(time.Now())}
		st.Key, st.Previous, st.Basis = "", Former{}, Basis{} // hashes are nobody's business
		out = append(out, st)
	}
	return out
}
