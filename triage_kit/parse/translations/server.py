# ruff: noqa: RUF001 tables of words
"""How translated messages begin: starting, stopping, crashes, recovery and promotion."""

from __future__ import annotations

# subject of messages.TABLE, then one beginning a line.
TABLE = r"""
process_killed
    % (PID %) % sinyali tarafından
    % (PID %) % exception tarafından
    % (PID %) a été arrê
    % (PID %) fue termin
    % (PID %) terminerad
    % (PID %) wurde durc
    % (PID %) wurde von
    % (PID %) è stato te
    % (PID %) був перерв
    % (PID %) был заверш
    % (PID %) был прерва
    % (PID %) დასრულდა სიგნალი
    % (PID %) დასრულდა შ
    % (PID %) 被信号
    % (PID %) 被异常
    % (PID %) 프로세스가 %번
    % (PID %) 프로세스가 0x%
    % (PID %)はシグナル
    % (PID %)は例外%
shutdown_request
    akıllı kapatma isteği
    hızlı kapatma isteği
    immediate shutdown isteği
    a reçu une demande d'a
    abortando transa
    annulation des t
    arresto immediat
    avbryter aktiva
    ejecutando un ap
    etwaige aktive T
    fast 중지 요청을 받았습니
    forçage d'un arr
    führe sofortiges
    immediate 중지 요청을
    intelligentes He
    interruzione di tutte
    mottog begäran f
    richiesta di arr
    schnelles Herunt
    se recibió petición de apaga
    smart 중지 요청을 받았습
    sofortiges Herun
    stänger ner omed
    tog emot förfrågan om att st
    виконується нега
    немедленное откл
    отримано smart з
    отримано запит н
    отримано швидкий
    переривання будь
    получен запрос на "веж
    получен запрос на быст
    получен запрос на неме
    прерывание всех
    მიღებულია დაუყოვ
    მიღებულია სწრაფი
    მიღებულია ჭკვიან
    ყველა აქტიური ტრ
    スマートシャットダウン要求を受け
    データディレクトリのロックファイ
    中断任何激活事务
    即時シャットダウン要求を受け取り
    接到到智能 (smart) 停止
    接收到快速 (fast) 停止请
    接收到立即 (immediate
    活動中の全トランザクションをアボ
    由于数据目录锁文件非法而执行立即
    高速シャットダウン要求を受け取り
    데이터 디렉터리 잠금 파일이
    모든 활성화 되어있는 트랜잭션
startup_failed
    Serverstart abge
    abortando el ini
    annulation du dé
    avbryter uppstar
    avvio interrotto
    переривання запу
    გაშვების გაუქმებ
    由于启动进程失败, 终止启动
    起動プロセスの失敗のため起動を中
    시작 프로세스 실패 때문에 서
all_terminated
    tüm sunucu süreçleri durduruldu
    SIGKILL wird an
    aktive Serverpro
    alla serverproce
    alle Serverproze
    arrêt des autres
    avslutar andra a
    enviando SIGKILL
    exécution de SIG
    interruzione di tutti
    rilasciare SIGKI
    skickar SIGKILL
    terminando todos
    todos los proces
    tous les process
    tutti i processi
    все серверные пр
    завершение всех
    завершення будь-
    надсилання SIGKI
    неподчиняющимся
    усі серверні про
    სერვერის სხვა და
    სერვერის ყველა პ
    中断任何其它已激活的服务器进程
    他の活動中のサーバープロセスを終
    全てのサーバープロセスが終了しま
    所有的服务器进程被中止; 重新初
    手に負えない子プロセスにSIGK
    다른 활성화 되어있는 서버 프
    모든 서버 프로세스가 중지 되
    정상 종료되지 않는 하위 프로
archive_recovery
    %/% でリカバリの一貫性が
    %/% 위치에서 복구 일관
    Logdatei »%« au
    Standby-Modus ei
    Startar arkivåte
    Wiederherstellung aus Archiv
    arkivåterställni
    avvio del ripristino d
    comenzando proce
    el estado de rec
    entrando al modo
    entre en mode st
    file di log "%" ripri
    går in i standby
    il ripristino de
    inizio modalità
    konsistent åters
    konsistenter Wie
    recuperación com
    restauration de
    restauration du
    se ha restaurado
    starte Wiederherstellung aus Archiv
    återställd logfi
    è stato raggiunto uno
    état de restaura
    восстановление а
    відновлений файл
    відновлення архі
    начинается восстановление ар
    переход в режим
    перехід у режим
    початок відновле
    согласованное со
    узгоджений стан
    файл журнала "%
    არქივიდან აღდგენ
    თანმიმდევრული აღ
    ჟურნალის ფაილი "
    უქმე რეჟიმზე გად
    アーカイブリカバリが完了しました
    アーカイブリカバリを開始していま
    スタンバイモードに入ります
    ログファイル"%"をアーカイブ
    从归档中恢复日志文件 "%"
    在%/%上已到达一致性恢复状
    开始归档恢复
    归档恢复完毕
    正在进入备用模式
    대기 모드로 전환합니다
    아카이브 복구 완료
    아카이브 복구 작업을 시작합니
    아카이브에서 "%" 로그파일
new_cluster
    "%" 데이터 디렉터리 소유
    "%" 데이터 디렉터리 없음
    "%" 데이터 디렉터리 접근
    Datenbankdateien
    Datenverzeichnis »%«
    databasfilerna ä
    databaskatalogen
    datakatalogen "%
    data目录 "%"的所有者权
    el directorio de datos «%»
    i file del datab
    la directory dei dati "%" h
    la directory dei dati "%" n
    la directory di
    le répertoire des données « % » a des p
    le répertoire des données « % » a un ma
    le répertoire des données « % » n'exist
    les fichiers de
    los archivos de
    no existe el directorio de d
    владелец каталог
    власник каталогу
    для каталога дан
    каталог даних "%
    каталог данных "
    файли бази даних
    файлы базы данны
    ბაზის ფაილები სე
    მონაცემების მითითებული საქაღალდის ("%")
    მონაცემების საქაღალდე არ არს
    მონაცემების საქაღალდის "%"
    データディレクトリ"%"の所有
    データディレクトリ"%"の権限
    データディレクトリ"%"は存在
    データベースファイルがサーバーと
    数据库文件和服务器不兼容
    数据目录 "%" 不存在
    数据目录"%"的权限无效
    데이터베이스 파일들이 서버와
ready
    veritabanı sunucusu bağlantı kabul
    Datenbanksystem ist be
    databassystemet är red
    el sistema de bases de datos está listo
    il database è pr
    il sistema di database è pro
    le système de bases de données est prêt
    система БД готов
    система бази даних гот
    მონაცემთა ბაზის სისტემა მზად
    データベースシステムの接続受け付
    データベースシステムはリードオン
    数据库系统准备接受只读请求的连接
    数据库系统准备接受连接
    데이터베이스 시스템이 읽기 전
    이제 데이터베이스 서버로 접속
shutdown
    veritabanı sistemi kapandı
    il database è stato arrestato$
    выключение$
    stänger ner$
    завершення роботи$
    Arbeitsprozess für logische Replikation wird abgebrochen auf
    Arbeitsprozess für logische Replikation wird abgebrochen weg
    Background-Worker »%« wird
    Datenbanksystem ist he
    Datenbanksystem wurde am %
    apagando
    apagando debido
    arresto del work
    arresto in corso
    arrêt des proces
    arrêt du processus en
    arrêt du processus wor
    arrêt en cours
    arrêt parce que
    arrêt à cause d'
    avslutar logisk
    chiusura a causa
    chiusura perché
    databassystemet stängdes ner vid %
    databassystemet är ned
    el sistema de bases de datos está apagad
    el sistema de bases de datos fue apagado en %
    fahre herunter
    fahre herunter w
    fahre herunter,
    il database è stato arrestato alle %
    interruzione del processo di
    interruzione del worke
    le système de base de données est arrêté
    le système de bases de données a été arrêté à %
    restart_after_cr
    stänger ner då r
    stänger ner på g
    terminando el proceso ayudan
    terminando el proceso de rep
    terminerar bakgr
    завершение обраб
    завершение фонов
    завершення оброб
    завершення процесу лог
    завершення роботи чере
    завершення роботи, том
    завершення фонов
    сервер останавли
    система БД была выключена: %
    система БД выклю
    система бази даних була вимк
    система бази даних вим
    ლოგიკური რეპლიკაციის დამხმარე პროცესის შ
    მიმდინარეობს გამორთვა
    მონაცემთა ბაზის სისტემა გათი
    მონაცემთა ბაზის სისტემის გათ
    მუშაობა დასრულდე
    მუშაობის დასრულე
    シャットダウンしています
    タイムアウトにより論理レプリケー
    データベースシステムは % に
    データベースシステムはシャットダウンしました
    数据库上次关闭时间为 %
    数据库系统已关闭
    正在关闭
    正在关闭autovacuum启动
    由于管理员命令中断后台工作进程"
    由于管理员命令而终止逻辑复制工作
    由于超时而终止逻辑复制工作线程
    管理者コマンドにより、論理レプリ
    管理者コマンドによりバックグラウ
    起動プロセスの失敗のためシャット
    관리자 명령에 의해 "%"
    관리자 요청에 의해서 논리 복
    데이터베이스 시스템 마지막 가
    데이터베이스 시스템 서비스를
    서비스를 멈추고 있습니다
    시간 제한으로 논리 복제 작업
    시작 작업 실패로 중지합니다.
interrupted
    le système de bases de données a été interrompu
    მონაცემთა ბაზა შეწყვეტილია; ბოლოს
    Datenbanksystem wurde unterb
    Datenbanksystem wurde während der Wiederherstellung am % un
    Datenbanksystem wurde während der Wiederherstellung bei Logz
    databassystemet avbröt
    el sistema de bases de datos fue interru
    il database è stato in
    le système de bases de données a été interrompu lors d'une r
    работа системы Б
    робота системи бази даних бу
    система бази даних була пере
    მონაცემთა ბაზის სისტემა გაით
    データベースシステムはリカバリ中 % に中
    データベースシステムはリカバリ中ログ時刻 %
    データベースシステムは中断されま
    当日志时间%进行恢复时，数据库
    恢复时, 数据库系统在 % 被
    数据库系统中断；上一次的启动时间
    데이터베이스 시스템 복구하는
    데이터베이스 시스템이 로그 시
    데이터베이스 시스템이 비정상적
not_shut_down
    Datenbanksystem wurde nicht
    Datenbanksystem wurde während der Wiederherstellung am % he
    databassystemet stängdes int
    databassystemet stängdes ner under åters
    el sistema de bases de datos fue apagado durante la recupera
    el sistema de bases de datos no fue apag
    il database non è stat
    il database è stato arrestato durante il
    le système de bases de données a été arrêté pendant la resta
    le système de bases de données n'a pas é
    робота системи бази даних не
    система БД была выключена в
    система БД была остано
    система бази даних завершила
    მონაცემთა ბაზა ა
    データベースシステムはリカバリ中 % にシ
    データベースシステムは正しくシャ
    在%，数据库在恢复中关闭
    数据库系统没有正确的关闭; 处于
    데이터베이스 시스템이 정상적으
    복구 중 데이터베이스 시스템
redo
    %/% 处的记录长度不合法：
    %/%のレコード長が不正です
    %/%에서 redo 작업
    REDOが%/%で終了しまし
    REDOは必要ありません
    REDOを%/%から開始しま
    REDO進行中、経過時間 %
    Redo beginnt bei
    Redo fertig bei
    Redo im Gang, ab
    Redo nicht nötig
    il redo inizia i
    la ré-exécution commen
    la ré-exécution n'est
    largo de registr
    longueur invalide de l'enregistrement à
    lunghezza del record a
    no se requiere r
    ogiltig postläng
    redo behövs inte
    redo comienza en
    redo en cours, t
    redo en progreso
    redo gjord vid %
    redo listo en %
    redo non richies
    redo pågår, förb
    redo startar vid
    redo 在 %/% 完成
    redo 在 %/% 开始
    redo 진행 중, 예상시간:
    rejeu exécuté à
    ripetizione eseg
    ripetizione in c
    ungültige Datens
    выполняется восп
    данные REDO не т
    дані REDO не пот
    запис REDO почин
    запис REDO трива
    записи REDO обра
    запись REDO начи
    неверная длина записи в пози
    невірна довжина запису по зс
    повторно виконан
    გამეორება დაიწყე
    გამეორება დასრულ
    გამეორება საჭირო
    მიმდინარეობს გამეორება
    ჩანაწერს არასწორ
    不需要 redo
    잘못된 레코드 길이: %/%
    재반영해야 할 트랜잭션이 없음
listening
    "%" 유닉스 도메인 소켓으
    %, 주소: "%", 포트 % 번으
    %アドレス"%"、ポート%で待ち受けて
    Unixソケット"%"で待ち受
    en écoute sur %
    erwarte Verbindu
    escuchando en el
    escuchando en la
    in ascolto sul s
    in ascolto sull'
    lyssnar på %-ad
    lyssnar på Unix-
    écoute sur la so
    для приёма подкл
    прослуховувати %
    прослуховувати U
    ვუსმენ % მისამა
    ვუსმენ Unix სოკე
    在Unix套接字 "%"上侦听
    正在监听%地址"%"，端口
promotion
    Anforderung zum
    Promote-Triggerd
    a reçu une demande de
    fichier trigger
    file trigger di
    richiesta di pro
    se encontró el a
    se recibió petición de promo
    tog emot förfrågan om beford
    triggerfil för b
    знайдено файл тр
    найден файл триг
    отримано запит п
    получен запрос п
    მიღებულა დაწინაუ
    ნაპოვნია წახალის
    找到升级触发器文件:%
    接收到提或请求
    昇格トリガファイルがあります:
    昇格要求を受信しました
    마스터 전환 트리거 파일이 있
    운영 전환 신호를 받았습니다.
worker_exited
    逻辑复制启动程序正在关闭
startup
    PostgreSQL %) on %, compiled by
    "PostgreSQL %) on %, compiled by
    démarrage de PostgreSQL
    iniciando PostgreSQL
    a partire da PostgreSQL
    запускается PostgreSQL
    正在启动 PostgreSQL
    startar PostgreSQL
    початок PostgreSQL
"""
