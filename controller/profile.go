package controller

import "time"

// ProfilePurpose is what a charging profile limits, in OCPP 1.6 words (16§7.9).
type ProfilePurpose string

// The purposes.
const (
	PurposeStationMax ProfilePurpose = "ChargePointMaxProfile"
	PurposeTxDefault  ProfilePurpose = "TxDefaultProfile"
	PurposeTx         ProfilePurpose = "TxProfile"
)

// ProfileKind is how a schedule is placed in time.
type ProfileKind string

// The kinds.
const (
	KindAbsolute  ProfileKind = "Absolute"
	KindRecurring ProfileKind = "Recurring"
	KindRelative  ProfileKind = "Relative"
)

// Profile is a charging profile of the cloud: input of the planner, never
// forwarded to a charger.
type Profile struct {
	ID         int            `json:"id"`
	StackLevel int            `json:"stack_level"`
	Purpose    ProfilePurpose `json:"purpose"`
	Kind       ProfileKind    `json:"kind"`
	Recurrency string         `json:"recurrency,omitempty"` // "Daily", "Weekly"
	ValidFrom  time.Time      `json:"valid_from,omitzero"`
	ValidTo    time.Time      `json:"valid_to,omitzero"`
	UpTx       UpstreamTx     `json:"up_tx,omitempty"`
	Start      time.Time      `json:"start,omitzero"`
	Duration   time.Duration  `json:"duration,omitempty"` // 0: no end
	Watts      bool           `json:"watts,omitempty"`    // limits are W in total, else A per phase
	Periods    []Period       `json:"periods"`
}

// Period is one step of a schedule. Limit is in mA per phase or mW in total, as the
// profile's unit says.
type Period struct {
	From         time.Duration `json:"from"`
	Limit        int64         `json:"limit"`
	NumberPhases int           `json:"number_phases,omitempty"` // 0: 3
}
