package ocpp2

import (
	"encoding/json"
	"errors"

	"busbar/ocpp"
)

// CustomData is an object of a vendor's own making, kept as text. It names its vendor
// in vendorId, at most 255 characters.
type CustomData json.RawMessage

// NewCustomData encodes v, a struct or map that becomes an object with a vendorId.
func NewCustomData(v any) (CustomData, error) {
	raw, err := json.Marshal(v)
	return CustomData(raw), err
}

// VendorID is the vendor of the data; "" if it has none.
func (c CustomData) VendorID() string {
	var vendor struct {
		VendorID string `json:"vendorId"`
	}
	if json.Unmarshal(c, &vendor) != nil {
		return ""
	}
	return vendor.VendorID
}

// MarshalJSON writes the text as it is.
func (c CustomData) MarshalJSON() ([]byte, error) { return json.RawMessage(c).MarshalJSON() }

// UnmarshalJSON takes any object; null is absent.
func (c *CustomData) UnmarshalJSON(raw []byte) error {
	switch {
	case string(raw) == "null":
		*c = nil
		return nil
	case len(raw) == 0 || raw[0] != '{':
		return errors.New("is not an object")
	}
	*c = append((*c)[:0:0], raw...)
	return nil
}

func (c CustomData) check() *ocpp.Violation {
	var vendor struct {
		VendorID *string `json:"vendorId"`
	}
	if err := json.Unmarshal(c, &vendor); err != nil {
		return &ocpp.Violation{Path: "vendorId", Code: ocpp.CodeTypeConstraintViolation, Problem: "is not a string"}
	}
	if vendor.VendorID == nil {
		return ocpp.Missing("vendorId")
	}
	return ocpp.CheckLength("vendorId", *vendor.VendorID, 255)
}
