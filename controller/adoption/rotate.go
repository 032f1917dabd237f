package adoption

import (
	"context"
	"fmt"
	"time"
)

// formerFor is how long the way in before a key is kept.
const formerFor = 24 * time.Hour

// mayCarryKeys refuses to send a key where strangers could read it.
func (s *Service) mayCarryKeys(l *link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.profile >= 2 || s.cfg.Isolated || time.Now().Before(s.until) {
		return nil
	}
	return &Refusal{"the charger's connection has no TLS, so its key could be read on the way",
		"Open a pairing window while nobody strange is in the network, or sign the network off as charger_network.isolated."}
}

// giveKey sends a charger a new key and records it. The record is on the disk before
// the key leaves, and former counts beside it until the charger has said that it has the
// new one: at no moment can a power cut lock it out. also changes more of the record.
func (s *Service) giveKey(ctx context.Context, station string, l *link, former Former, also func(*Credential)) error {
	if err := s.mayCarryKeys(l); err != nil {
		return err
	}
	d := dialectOf(l.conn)
	key := newKey(d.keyKind())
	hash, now := key.hash(), time.Now()
	s.mu.Lock()
	before, had := s.records[station]
	s.mu.Unlock()
	if _, err := s.change(ctx, station, func(c *Credential) {
		c.Key, c.KeyKind, c.KeyAt, c.Unconfirmed, c.Proven = hash, key.kind, now, true, false
		c.Previous, c.PreviousUntil, c.BreakGlass = former, now.Add(formerFor), false
		also(c)
	}); err != nil {
		return err
	}
	a, err := d.set(ctx, settingKey, key.wire())
	ctx = context.WithoutCancel(ctx) // what the charger did is recorded in any case
	switch {
	case uncertain(err):
		return fmt.Errorf("cannot tell whether the charger has its new key: both count for %v; rotate it again: %w", formerFor, err)
	case err != nil || !a.taken:
		if err := s.restore(ctx, station, before, had); err != nil {
			return err
		}
		return keyRefused(a, err)
	case a.reboot:
		return nil // both count until it has shown the new one
	}
	_, err = s.change(ctx, station, func(c *Credential) { c.Unconfirmed = false })
	return err
}

func keyRefused(a answer, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("cannot send the charger its key: %w", err)
	case a.absent:
		return &Refusal{fmt.Sprintf("the charger does not know passwords (it answered %q)", a.status),
			"Update its firmware; in an isolated network it can be approved without a key."}
	}
	return &Refusal{fmt.Sprintf("the charger did not take its key (it answered %q)", a.status), "What was valid before stays valid. Try again, or update its firmware."}
}

// restore puts a record back as it was.
func (s *Service) restore(ctx context.Context, station string, before Credential, had bool) error {
	if !had {
		return s.drop(ctx, station)
	}
	_, err := s.change(ctx, station, func(c *Credential) {
		serial := c.Serial
		*c = before
		c.Serial = serial
	})
	return err
}

// RotateKey gives a charger a new key. The open connection stays; from the next one on
// only the new key counts (A01.FR.03). The key before is kept a day, dead, see
// EnableBreakGlass.
func (s *Service) RotateKey(ctx context.Context, by, station string) error {
	end, err := s.begin(station)
	if err != nil {
		return err
	}
	defer end()
	c, listed, known := s.standing(station)
	switch {
	case !known:
		return &Refusal{"the charger is unknown", "Approve it first."}
	case c.Profile == 3:
		return &Refusal{"the charger uses a certificate and no key", "Let it renew its certificate."}
	}
	l, err := s.link(station)
	if err != nil {
		return err
	}
	if err := s.audit(ctx, by, station, "adoption.rotated", "the charger gets a new key"); err != nil {
		return err
	}
	return s.giveKey(ctx, station, l, formerOf(c, listed), func(c *Credential) { c.Profile = max(c.Profile, 1) })
}

// formerOf is what a charger is sure to have: its key if it has shown it, else what was
// valid before that.
func formerOf(c Credential, listed Charger) Former {
	switch {
	case c.Key != "" && (c.Proven || c.Previous.Kind == ""):
		return Former{Kind: FormerKey, Key: c.Key, Form: c.KeyKind}
	case c.Key != "":
		return c.Previous
	case listed.Password != "":
		return Former{Kind: FormerConfiguration}
	}
	return Former{Kind: FormerOpen}
}

// EnableBreakGlass makes valid again what was valid before the charger's key, until a day
// after that was sent or until the charger shows its key: for one that said it had
// stored its key and did not. Once it is in, rotate its key again.
func (s *Service) EnableBreakGlass(ctx context.Context, by, station string) error {
	end, err := s.begin(station)
	if err != nil {
		return err
	}
	defer end()
	c, _, known := s.standing(station)
	if !known || !c.formerLeft(time.Now()) {
		return &Refusal{"nothing is left of what was valid before this charger's key",
			"Set the charger back to its factory settings, forget it here, open a pairing window and approve it again."}
	}
	if err := s.audit(ctx, by, station, "adoption.breakglass", "what was valid before the charger's key is valid again until "+c.PreviousUntil.UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	_, err = s.change(ctx, station, func(c *Credential) { c.BreakGlass = true })
	return err
}

// formerLeft tells whether there is something that was valid before the key.
func (c Credential) formerLeft(now time.Time) bool {
	return c.Key != "" && c.Previous.Kind != "" && now.Before(c.PreviousUntil)
}
