\d
\d *.*
\d+ public.*
\d+ hr.employees
\dS
\dt *.*
\dt+
\dv+
\dm+
\di+
\ds+
\dE+
\df
\df+ *.*
\dfw
\dft
\da
\du
\du+
\dg
\dn+
\dp
\ddp
\drds
\l
\dx
\dx+ plpgsql
\dT+
\dD+
\dC
\do
\dO
\dc
\dL+
\dP+
\dX
\dy
\dd
\db
\deu
\des+
\dew+
\det+
\dRp+
\dRs
\dF
\dFd
\dFp
\dFt
\dA+
\dAc
\dAf
\dAo
\dAp
\z
\sf public.order_total
\sv public.customer_stats
\conninfo
\encoding
