// The levels and categories of a small shop, as an operator would write them first.
export const shopTaxonomy = `version: 1
levels:
  - { name: public,       read: allow }
  - { name: internal,     read: allow, rows: 10000 }
  - { name: confidential, read: hold,  approvers: [data-owners] }
  - { name: restricted,   read: hold,  approvers: [security], quorum: 2 }
  - { name: secret,       read: deny }
categories:
  personal:               { level: confidential, frameworks: [GDPR] }
  personal.contact.email: { level: restricted }
  financial.card.pan:     { level: secret, frameworks: [PCI-DSS] }
defaults: { unclassified: restricted }
patterns:
  - { column: '(^|_)e?mail(_|$)', category: personal.contact.email }
`;
