/**
 * Keys whose issuers gave them a public prefix, so that leaked ones can be found. Forms are those of the issuers' own
 * documentation and of the patterns that they hand to scanners of secrets; where an issuer names no length, the least
 * that its keys have been seen with. A prefix that is a word of prose or code asks for the exact length.
 */

/** What is searched for first, which is what keeps prose fast, and the whole key. */
type KeyFormat = readonly [hint: string, pattern: string];

const FORMATS: readonly KeyFormat[] = [
  // Clouds and hosting
  ['A(?:KIA|SIA|BIA|CCA)', 'A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}(?![A-Za-z0-9])'], // AWS: unique identifiers
  ['AIza', 'AIza[A-Za-z0-9_-]{35}'], // Google: API keys
  ['ya29\\.', 'ya29\\.[A-Za-z0-9_-]{20,}'], // Google: OAuth access tokens
  ['GOCSPX-', 'GOCSPX-[A-Za-z0-9_-]{28}'], // Google: OAuth client secrets
  ['\\dQ~', '[A-Za-z0-9_~.-]{3}\\dQ~[A-Za-z0-9_~.-]{31,34}'], // Microsoft Entra: client secrets
  ['do[opr]_v1_', 'do[opr]_v1_[a-f0-9]{64}'], // DigitalOcean
  ['LTAI', 'LTAI[A-Za-z0-9]{12,20}(?![A-Za-z0-9])'], // Alibaba Cloud
  ['AKID', 'AKID[A-Za-z0-9]{32}(?![A-Za-z0-9])'], // Tencent Cloud
  ['SCW', 'SCW[A-Z0-9]{17}(?![A-Za-z0-9])'], // Scaleway
  ['HRKU-', 'HRKU-[A-Za-z0-9_-]{36,}'], // Heroku
  ['FlyV1 ', 'FlyV1 fm\\d[a-z]?_[A-Za-z0-9+/=,_-]{40,}'], // Fly.io
  ['dapi', 'dapi[a-f0-9]{32}(?:-\\d)?'], // Databricks
  ['sbp_|sb_secret_', 'sb(?:p|_secret)_[A-Za-z0-9_-]{20,}'], // Supabase
  ['pscale_', 'pscale_(?:tkn|pw|oauth)_[A-Za-z0-9=._-]{32,}'], // PlanetScale
  ['napi_', 'napi_[a-z0-9]{40,}'], // Neon
  ['hv[sbr]\\.', 'hv[sbr]\\.[A-Za-z0-9_-]{24,}'], // HashiCorp Vault
  ['atlasv1', '[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{60,}'], // Terraform
  ['pul-', 'pul-[a-f0-9]{40}'], // Pulumi
  ['dp\\.', 'dp\\.(?:pt|st|ct|scim|audit|sa)\\.(?:[a-z0-9_-]{2,35}\\.)?[A-Za-z0-9]{40,44}'], // Doppler
  ['tskey-', 'tskey-[a-z]+-[A-Za-z0-9-]{16,}'], // Tailscale
  ['AGE-SECRET-KEY-1', 'AGE-SECRET-KEY-1[A-Z0-9]{58}'], // age
  // Code and packages
  ['gh[pousr]_', 'gh[pousr]_[A-Za-z0-9]{20,}'], // GitHub
  ['github_pat_', 'github_pat_[A-Za-z0-9_]{20,}'],
  ['gl[a-z]{2,6}-', 'gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[A-Za-z0-9_.-]{20,}'], // GitLab
  ['ATATT3|ATCTT3|ATBB', 'AT(?:[AC]TT3[A-Za-z0-9_=-]{50,}|BB[A-Za-z0-9]{32})'], // Atlassian
  ['npm_', 'npm_[A-Za-z0-9]{36}'],
  ['pypi-', 'pypi-[A-Za-z0-9_-]{50,}'],
  ['rubygems_', 'rubygems_[a-f0-9]{48}'],
  ['oy2', 'oy2[a-z0-9]{43}(?![A-Za-z0-9])'], // NuGet
  ['cio', 'cio[A-Za-z0-9]{32}(?![A-Za-z0-9])'], // crates.io
  ['dckr_', 'dckr_[po]at_[A-Za-z0-9_-]{27,}'], // Docker Hub
  ['CLOJARS_', 'CLOJARS_[a-z0-9]{60}'],
  ['sq[pua]_', 'sq[pua]_[a-f0-9]{40}'], // SonarQube
  ['CCIP', 'CCIP(?:AT|RJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}'], // CircleCI
  ['sntry[su]_', 'sntry[su]_[A-Za-z0-9+/=_-]{40,}'], // Sentry
  ['gl(?:sa|c)_', 'gl(?:sa|c)_[A-Za-z0-9+/=_]{32,}'], // Grafana
  ['NR(?:AK|II|AL|JS|AA|IQ)-', 'NR(?:AK|II|AL|AA|IQ)-[A-Za-z0-9_-]{20,}|NRJS-[a-f0-9]{19}'], // New Relic
  ['dt0[a-z]\\d\\d\\.', 'dt0[a-z]\\d\\d\\.[A-Z2-7]{24}\\.[A-Z2-7]{64}'], // Dynatrace
  ['PMAK-', 'PMAK-[a-f0-9]{24}-[a-f0-9]{34}'], // Postman
  // Messages
  ['xox[a-z]-', 'xox[a-z]-[A-Za-z0-9-]{10,}'], // Slack
  ['xapp-|xwfp-', 'x(?:app|wfp)-[A-Za-z0-9-]{10,}'],
  ['hooks\\.slack', 'hooks\\.slack(?:-gov)?\\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}'],
  ['SG\\.', 'SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}'], // SendGrid
  ['key-', 'key-[a-f0-9]{32}(?![A-Za-z0-9])'], // Mailgun
  ['-us\\d', '[a-f0-9]{32}-us\\d{1,2}(?![A-Za-z0-9])'], // Mailchimp
  ['x(?:key|smtp)sib-', 'x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}'], // Brevo
  ['(?:AC|SK)[0-9a-f]{4}', '(?:AC|SK)[0-9a-f]{32}(?![A-Za-z0-9])'], // Twilio
  [':AA', '\\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])'], // Telegram: bots
  [
    '[MNO][A-Za-z\\d_-]{23,27}\\.',
    '[MNO][A-Za-z\\d_-]{23,27}\\.[A-Za-z\\d_-]{6}\\.[A-Za-z\\d_-]{27,38}(?![A-Za-z0-9_-])',
  ], // Discord: bots
  ['EAA', 'EAA[A-Za-z0-9]{60,}'], // Meta
  // Payment and commerce
  ['k_(?:live|test)_', '[srp]k_(?:live|test)_[A-Za-z0-9]{10,}'], // Stripe
  ['whsec_', 'whsec_[A-Za-z0-9+/=]{24,}'],
  ['shp(?:at|ca|pa|ss)_', 'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}'], // Shopify
  ['sq0', 'sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}'], // Square
  ['rzp_', 'rzp_(?:live|test)_[A-Za-z0-9]{14}(?![A-Za-z0-9])'], // Razorpay
  ['FLW(?:SEC|PUB)K', 'FLW(?:SEC|PUB)K(?:_TEST)?-[A-Za-z0-9]{32}-X'], // Flutterwave
  ['EZ[AT]K', 'EZ[AT]K[A-Za-z0-9]{54}'], // EasyPost
  ['shippo_', 'shippo_(?:live|test)_[a-fA-F0-9]{40}'],
  ['access-', 'access-(?:sandbox|development|production)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'], // Plaid
  // Work
  ['pat-(?:na|eu)\\d', 'pat-(?:na|eu)\\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'], // HubSpot
  ['lin_', 'lin_(?:api|oauth)_[A-Za-z0-9]{40,}'], // Linear
  ['ntn_|secret_', '(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}(?![A-Za-z0-9]))'], // Notion
  ['pat[A-Za-z0-9]{14}\\.', 'pat[A-Za-z0-9]{14}\\.[a-f0-9]{64}'], // Airtable
  ['figd_', 'figd_[A-Za-z0-9_-]{40}'], // Figma
  ['CFPAT-', 'CFPAT-[A-Za-z0-9_-]{43}'], // Contentful
  ['tfp_', 'tfp_[A-Za-z0-9_.=-]{40,}'], // Typeform
  ['ops_eyJ', 'ops_eyJ[A-Za-z0-9_-]{60,}'], // 1Password
  ['sl\\.', 'sl\\.[A-Za-z0-9_-]{130,}'], // Dropbox
  // Models
  ['sk-', 'sk-(?=[A-Za-z_-]{0,60}\\d)[A-Za-z0-9_-]{20,}'], // OpenAI, Anthropic and others; not sk-and-words-only
  ['hf_', 'hf_[A-Za-z0-9]{30,}'], // Hugging Face
  ['r8_', 'r8_[A-Za-z0-9]{37}'], // Replicate
  ['gsk_', 'gsk_[A-Za-z0-9]{48,}'], // Groq
  ['pplx-', 'pplx-[A-Za-z0-9]{48}'], // Perplexity
  ['xai-', 'xai-[A-Za-z0-9]{70,}'],
  ['lsv2_', 'lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}'], // LangSmith
  ['pcsk_', 'pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,}'], // Pinecone
  // JSON web tokens, by RFC 7519
  ['eyJ', 'eyJ[A-Za-z0-9_-]{8,}(?:\\.{1,2}[A-Za-z0-9_-]{8,}){1,4}'],
];

export const KNOWN_KEY = new RegExp(
  `(?<![A-Za-z0-9_-])(?:${FORMATS.map(([, pattern]) => pattern).join('|')})`,
  'g',
);
export const KNOWN_KEY_HINT = new RegExp(FORMATS.map(([hint]) => hint).join('|'));
