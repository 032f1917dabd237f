package controller

import (
	"slices"
	"time"
)

// Role is what somebody may do with the box; each includes the ones before it
// (decision 19).
type Role string

// The roles.
const (
	RoleViewer    Role = "viewer"    // sees
	RoleOperator  Role = "operator"  // runs: start, stop, unlock, limit, resend
	RoleInstaller Role = "installer" // sets up: chargers, configuration, commissioning
	RoleAdmin     Role = "admin"     // all: access, any OCPP call, the OCPP log
)

// Roles are all of them, the least first.
func Roles() []Role { return []Role{RoleViewer, RoleOperator, RoleInstaller, RoleAdmin} }

// Known tells whether r is a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Includes tells whether r may do what least may. What is no role includes nothing and
// is included in nothing.
func (r Role) Includes(least Role) bool {
	have, need := slices.Index(Roles(), r), slices.Index(Roles(), least)
	return need >= 0 && have >= need
}

// AccessToken is a bearer token without the token itself, which only its holder has.
type AccessToken struct {
	ID        string // short, for people and for revoking
	Name      string // whose or what for
	Role      Role
	CreatedAt time.Time
	CreatedBy string    // name of the token that made it
	ExpiresAt time.Time // never zero
	LastUsed  time.Time // zero: never
}

// Valid tells whether the token may be used at t.
func (t AccessToken) Valid(at time.Time) bool { return at.Before(t.ExpiresAt) }

// audited writes down who does what, before it is done, or what happened at the doors.
func (s *Site) audited(ev Audited) {
	text := ev.Text
	if ev.By != "" {
		text += ", by " + ev.By
	}
	s.noteThen(func() { s.answer(ev.Reply, Done{}) }, SeverityInfo, ev.Code, ev.Subject, text)
}
